-- wrk script: POSTs one body on every connection and prints one line of JSON.
-- Arguments: the body, the bearer key, and the mean pause of each connection between requests in ms (0 for none).

function init(args)
  wrk.method = "POST"
  wrk.path = "/v1/chat/completions"
  wrk.body = args[1]
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer " .. args[2]
  local pause = tonumber(args[3])
  if pause > 0 then
    delay = function() return math.random(pause / 2, pause * 3 / 2) end
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"seconds":%.6f,"p50_ms":%.4f,"p99_ms":%.4f,"failed":%d,"timeouts":%d}\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status, errors.timeout))
end
