"""The records of all built-in data sets: names, facts and sources; nothing heavy is imported.

Sets that may show the same object, or the same images, share a ``cohort``.
"""

from milbench_datasets.catalogue import classical, embedded, histology, mnist, slides

RECORDS = (
    *embedded.RECORDS,
    *mnist.RECORDS,
    *histology.RECORDS,
    *slides.RECORDS,
    *classical.RECORDS,
)
