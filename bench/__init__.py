"""
Measurements, each of them one command; ``make bench`` takes them all, one after the other.

    beside others  peers      tvmon, Prometheus and collectd on the same streams
    long and large soak       is every poll taken, how late, at what cost; some servers faulty, too
                   appear     streams appear in a listing, and vanish
                   scale      how cost grows with streams, interval and body
                   restart    how soon all is there again after a stop, and after a kill
    one room each  api        /samples of ten thousand streams, and the readers of /events
                   board      judging a sample, and what a stream takes in memory
                   fetch      a fetch beside plain treq
                   graphs     pictures of histories beside plain rrdtool
                   history    writing the histories
                   page       the page in a real browser
                   store      storing samples, in tvmon and in PostgreSQL
                   surveys    reading one answer that tells of all streams
                   updater    streams appear and go, without network and database
    shared         targets    nginx with Lua as media servers, told by target.lua
                   daemon     tvmon on such a target, and what it has spent
                   others     Prometheus and collectd on such a target
                   metrics    reading /metrics
                   processes  processor time and memory of process trees
                   results    tables, and RESULTS.md

They start what they need on ports of 127.0.0.1 and stop it.  Those of the first two kinds, but
restart, take ``--results FILE``, which replaces their section there.
"""
