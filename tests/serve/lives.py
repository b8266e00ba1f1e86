"""A life for a process of the service, in a module that loads little: each such process loads it anew."""

import os
import time
from queue import SimpleQueue

from extractor.serve.messages import Answer, Ready


def obey(line, _):
    """Do what a wish is called."""
    wishes = SimpleQueue()
    line.listen(wishes.put)
    line.send(Ready())
    while True:
        wish = wishes.get()
        if wish.name == "sleep":
            time.sleep(600)
        elif wish.name == "die":
            os._exit(1)
        line.send(Answer(wish.number, wish.body))
