"""
History: years of every stream, every server and this machine, in RRDs.

    board -> buckets (five minutes of samples) -> recorder -> rrdtool -> files
                                           files -> rrdtool -> pictures and numbers

The files are written and read by ``rrdtool -`` children that are talked to over pipes, never by
librrd in this process: it is not safe to be called from threads.  Nothing that a user, or a media
server, has written ever goes into such a pipe: files have names of our own making, times are
numbers, and texts in pictures are constants.

    sources    what is kept of a stream (bucket, track), and of the machine (machine, averages)
    subjects   of whom a history is kept, what it belongs to, and what it is called (names)
    recorder   writes it, when five minutes are over; shelf and files are where it stands
    rrd        what rrdtool is asked, and how it answers
    engine     the children that do it: worker, child, starter, jobs, answers, engine_meters
    times      periods in rrdtool's words; ranges, which tier shows them
    reader     answers questions: plots are drawn (drawing), told (numbers), and summed up (report)
"""
