-- wrk script: POSTs one body with each of many keys in turn, and prints one line of JSON.
-- Arguments: a file with the body, and a file with a key on each line.

local requests, at = {}, 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  local body = file:read("*a")
  file:close()
  for key in io.lines(args[2]) do
    local headers = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. key}
    requests[#requests + 1] = wrk.format("POST", "/v1/chat/completions", headers, body)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"seconds":%.6f,"p50_ms":%.4f,"p99_ms":%.4f,"failed":%d,"timeouts":%d}\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status, errors.timeout))
end
