-- A media server in the form of TVie's, told by nginx; bench/targets.py starts it.
--
-- Every number of a stream is a function of the time and of the stream, so nothing runs between
-- two requests.  What is counted is kept in plain tables: there is one worker.

local target = {}

local floor, sin, format = math.floor, math.sin, string.format
local now = ngx.now

-- Set by setup().
local interval, padding
local listed = {}    -- server -> how many streams it lists
local polled = {}    -- server -> requests for a sample since begin()
local last = {}      -- server -> stream -> when it was asked for last
local gaps = {}      -- server -> bound -> how many polls were so far off their time
local started

-- What begin() sets back.
local distinct, newest_at, listings, listed_at

-- By how much the time between two requests for a stream may differ from the interval, seconds;
-- those of bench/targets.py.
local BOUNDS = { 0.01, 0.025, 0.05, 0.1, 0.25, 1.0 }

local COUNTERS = {
    "total_gops", "upstream_opened_count", "upstream_connected_count",
    "upstream_connection_fail_count", "upstream_bytes_received", "clients_connected",
    "total_clients_served", "total_bytes_sent", "live_delay_ms", "average_upstream_kbps",
    "average_downstream_kbps", "stream_info_audiodatarate", "stream_info_videodatarate",
}
local OF_A_STREAM = {
    { "stream_info_audiocodecid", 10 }, { "stream_info_audiosamplesize", 16 },
    { "stream_info_audiosamplerate", 44100 }, { "stream_info_stereo", 1 },
    { "stream_info_videocodecid", 7 }, { "stream_info_framerate", 25 },
    { "stream_info_width", 720 }, { "stream_info_height", 576 },
}

-- One format for each form of an answer: the 13 that change, and the 8 that do not.
local function made_of(line, joint)
    local lines = {}
    local function add(name, value)
        lines[#lines + 1] = line:gsub("NAME", name):gsub("VALUE", value)
    end
    for _, name in ipairs(COUNTERS) do
        add(name, name:find("^average") and "%%.6f" or "%%.0f")
    end
    for _, pair in ipairs(OF_A_STREAM) do add(pair[1], pair[2]) end
    return table.concat(lines, joint)
end

local FORMS = {
    tvie = made_of("NAME: VALUE", "\n") .. "\n",
    prometheus = made_of(
        "# HELP tvie_NAME Of a stream.\n# TYPE tvie_NAME gauge\ntvie_NAME VALUE", "\n"
    ) .. "\n",
    json = "{" .. made_of('"NAME": VALUE', ", ") .. "}\n",
}

-- A healthy stream: what it declares comes in, in bursts, and it runs up to 0.9 s behind.
local function body(form, stream, at)
    local age = at - started + 3600 + stream % 3000
    local video = stream % 4 == 0 and 448 or 700
    local rate = (64 + video) * 125
    local received = floor(rate * (age + 0.8 * sin(0.9 * age + stream)))
    local clients = floor(40 + 30 * sin(age / 600 + stream))
    local quarter = floor(age / 15)
    return format(
        FORMS[form],
        floor(age / 2.4), 1, 1, 0, received, clients,
        floor(age / 7), received * 40, floor(300 + 600 * sin(1.7 * quarter + stream)),
        rate / 125 * (1 + 0.05 * sin(quarter + stream)), rate / 125 * clients,
        64, video
    )
end

local function count(server, stream, at)
    polled[server] = polled[server] + 1
    local before = last[server][stream]
    last[server][stream] = at
    if not before then
        distinct, newest_at = distinct + 1, at
        return
    end
    local off = math.abs(at - before - interval)
    local place = 1
    while BOUNDS[place] and off > BOUNDS[place] do place = place + 1 end
    gaps[server][place] = gaps[server][place] + 1
end

-- Begin to count anew.
local function begin()
    distinct, newest_at, listings, listed_at = 0, 0, 0, 0
    for server in ipairs(listed) do
        polled[server], last[server], gaps[server] = 0, {}, {}
        for place = 1, #BOUNDS + 1 do gaps[server][place] = 0 end
    end
end

-- servers and streams: how many; seconds: the interval of the polls; pad: bytes of fields that
-- nobody knows, which make an answer in TVie's form so much longer.
function target.setup(servers, streams, seconds, pad)
    interval, started = seconds, now()
    local lines, length = {}, 0
    while length < pad do
        lines[#lines + 1] = format("field_of_a_newer_server_%05d: %d\n", #lines, 7919 * #lines)
        length = length + #lines[#lines]
    end
    padding = table.concat(lines)
    for server = 1, servers do listed[server] = streams end
    begin()
end

local function send(kind, text)
    ngx.header["Content-Type"] = kind
    ngx.header["Content-Length"] = #text
    ngx.print(text)
end

-- A sample of a stream.
function target.sample(server, form, manner)
    local at = now()
    local stream = tonumber(ngx.var[1])
    if stream > listed[server] then return ngx.exit(404) end
    count(server, stream, at)
    if manner == "silent" then return ngx.sleep(60) end
    local text = body(form, 100000 * server + stream, at)
    if form == "tvie" then text = text .. padding end
    local kind = form == "json" and "application/json" or "text/plain"
    if manner == "healthy" then return send(kind, text) end
    ngx.header["Content-Type"] = kind
    ngx.header["Content-Length"] = #text
    for place = 1, #text do
        if not ngx.print(text:sub(place, place)) or not ngx.flush(true) then return end
        ngx.sleep(1)
    end
end

-- The listing of a server, one channel for each stream.
function target.listing(server)
    ngx.req.read_body()
    local here = ngx.var.http_host
    local channels = {}
    for stream = 1, listed[server] do
        channels[stream] = format(
            '{"id": %d, "customer_name": "bench", "channel_name": "channel%d",'
                .. ' "display_name": "Channel %d", "server": [{"name": "media%02d",'
                .. ' "ip_address": "%s", "host_name": ""}],'
                .. ' "streams": [{"id": %d, "name": "hd"}]}',
            stream, stream, stream, server, here, 100000 * server + stream
        )
    end
    send("application/json", '{"channels": [' .. table.concat(channels, ",\n") .. "]}")
    ngx.update_time()
    listings = listings + 1
    if listings == 1 then listed_at = now() end
end

-- How many streams every server lists from now on; it is counted anew from then on.
function target.streams()
    for server in ipairs(listed) do listed[server] = tonumber(ngx.var.arg_count) end
    begin()
    send("text/plain", "done\n")
end

-- What was counted; with ?anew it is counted from now on.
function target.counts()
    local shown = {}
    for server in ipairs(listed) do
        shown[server] = "[" .. table.concat(gaps[server], ", ") .. "]"
    end
    send("application/json", format(
        '{"polled": [%s], "distinct": %d, "newest_at": %.3f, "listings": %d,'
            .. ' "listed_at": %.3f, "gaps": [%s]}\n',
        table.concat(polled, ", "), distinct, newest_at, listings, listed_at,
        table.concat(shown, ", ")
    ))
    if ngx.var.arg_anew then begin() end
end

return target
