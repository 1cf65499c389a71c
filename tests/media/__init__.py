"""
Real media servers for tests, and encoders and players to go with them.

    with Nginx() as nginx, Publisher(nginx.rtmp("cam1")) as camera:
        ...
        camera.freeze()

Each is a child process on ports of 127.0.0.1 that were free, in a temporary folder of its own,
as root and as a user, and as many side by side as the machine bears.  It is stopped by its own
pid when it is closed, and by the kernel when the test process dies before.

    process              what they share
    nginx                nginx with the RTMP module, HLS too
    icecast              Icecast 2.4
    node_media_server    Node-Media-Server 4 and 2
    ffmpeg               encoders that publish a test picture or a tone, players that discard it
    counting             counts the requests on their way to a server that keeps no log of them
"""
