"""
When media servers are asked, whom to stop asking, and how long to wait.

    updater.py    one media server: what it lists decides which streams are sampled
    listing.py    asks for the listing, and remembers how that went
    plan.py       running and listed streams -> what to start, stop and change; pure
    crew.py       the samplers of one media server, started and stopped in slices
    sampler.py    one stream, one LoopingCall
    turns.py      how late a turn is, and how many were left out; pure
    asking.py     one question under one deadline, whatever happens
    fetch.py      the HTTP of it, with targets, names, dialing, connections, body and reasons
    meters.py     what all of this says of itself to Prometheus
    redact.py     texts that may be logged
"""
