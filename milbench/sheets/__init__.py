"""Tables of labels and of splits, as text: CSV in its forms, packed or not, and spreadsheets."""
