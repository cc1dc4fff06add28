"""From scored test rows to claims: estimates, intervals, paired tests and ranks.

``estimate`` gives the value in a table, ``patient_bootstrap`` its uncertainty, and ``compare_all``
says which differences count. The patient is the unit throughout.
"""
