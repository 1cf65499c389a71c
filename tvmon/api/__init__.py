"""
What others ask tvmon over HTTP: samples, events, metrics, health checks, and the page.

    site      mounts everything; what holds for every request: access, limits, headers, counting
    samples   GET /samples..., GET /samples/{mms_stream_id}/history
    servers   GET /servers
    events    GET /events
    metrics   GET /metrics
    health    GET /-/healthy, GET /-/ready
    openapi   GET /api
    page      every other address: the files of the page

Everything is answered from the board, but for the history, which only the store knows.
"""
