"""
History: years of every stream, every server and this machine, in RRDs.

    board -> buckets (five minutes of samples) -> recorder -> rrdtool -> files
                                           files -> rrdtool -> pictures and numbers

The files are written and read by ``rrdtool -`` children that are talked to over pipes, never by
librrd in this process: it is not safe to be called from threads.  Nothing that a user, or a media
server, has written ever goes into such a pipe: files have names of our own making, times are
numbers, and texts in pictures are constants.

    tiers      how long what is kept, at which step
    sources    what is kept of a stream, and of the machine
    subjects   of whom a history is kept, and what it belongs to
    rrd        what rrdtool is asked, and how it answers
    engine     the children that do it: worker, child, starter, jobs, answers, engine_meters
"""
