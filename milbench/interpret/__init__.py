"""Maps of what a trained model looked at, laid back on the picture.

Plain functions: import them from the module that holds them.
"""
