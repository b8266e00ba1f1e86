"""What is asked: which doubts are worth their tokens, and what asking will take."""
