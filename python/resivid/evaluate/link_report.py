def write_link_report(*a): pass
