"""Iterative refinement of the instance encoder: the parts of ``its2clr`` and ``hnm``.

``loop`` is the method; ``mil_step`` scores instances, ``pools`` chooses among them by their scores,
``contrast_step`` teaches the encoder to tell them apart by the loss in ``contrast``. What is an
encoder, and what is another view of an instance, differs between images and features.
"""
