def draw_all(d,f): return {}
