"""From scored test rows to claims: estimates, intervals, paired tests and ranks.

``estimate`` gives the value in a table, ``patient_bootstrap`` its uncertainty, and ``compare_all``
says which differences count; ``over_cohorts`` does so over data sets, ``hold_out`` on an official
test set, and ``study_pair`` says all there is to say about one pair. Which test may claim what is
the table in :mod:`milbench.stats.protocol`. The patient is the unit throughout.
"""
