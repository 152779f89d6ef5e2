"""A page to look inside a network: what it computes in a photograph, map by map, and where its corners travel.

seen.py has what a network computes on the way, ways_up.py what can stand in unpooling's place, input_gradient.py what
an output pixel depends on, receptive_field.py what it can depend on. server.py gives these to the page, whose files are
in page/; static.py writes the page as files that need no server.
"""
