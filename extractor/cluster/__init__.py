"""A run on many machines: one driver, which reads, decides and writes, and workers, which extract.

::

    inputs --read_records--> driver --records--> workers --lines--> driver --> the run's folder --> its address
                             one store,    <--wishes--   one process a core,
                             budget, pace   --go-->      sends what may go

Ray places the workers, carries the conversation with them, and tells when one is lost. All that must outlive a worker
is with the driver: which records are done, every reply that came, what is spent. So a lost node costs what it had under
way and nothing else, and the folder of a run is that of a run on one machine.
"""
