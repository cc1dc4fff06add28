"""The sealed training protocol: what happens to one run, from its bags to its stored rows.

``work`` does a task and writes its records; ``engine`` chooses who trains; ``sequential`` trains a
network bag by bag and is the reference; ``estimator`` serves methods with a ``fit`` of their own;
``tune`` trains several settings of a run and keeps the one that validates best.
"""
