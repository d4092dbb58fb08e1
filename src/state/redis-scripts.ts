import { createHash } from 'node:crypto';
import { longestKeepMs, longestLeaseMs, longestText, memberMs } from './bounds.ts';
import { mostConclusions } from './store.ts';

// All of it is decided in the server, in one step for each ask and by its clock (`TIME`): https://redis.io/docs/latest/develop/programmability/eval-intro/
// Numbers are doubles, and 2^53 microseconds are the year 2255. Lua's own `..` keeps 14 digits of a number only, hence `text`.

export interface Script {
  readonly text: string;
  readonly sha: string;
}

/** Bytes of a conclusion with its two times in front: no character needs more than three. */
const mostBytes = 3 * longestText + 40;

/** Of one answer. What a store writes is far from it. */
const mostAnswerBytes = 4_194_304;

const prelude = `
local time = redis.call('TIME')
local nowUs = time[1] * 1000000 + time[2]
local nowMs = math.floor(nowUs / 1000)

local function text(number) return string.format('%.17g', number) end

-- What somebody else wrote into a key of ours may be anything: it counts as 0, as does what no store could have reached.
local function number(found)
  local value = tonumber(found)
  if value == nil or value ~= value or value < 0 or value >= 8e15 then return 0 end
  return value
end

-- Keys go some time after their use, and not all at the same moment.
local function keep(key, ms) redis.call('PEXPIRE', key, text(math.floor(ms * (1 + time[2] / 1e7)) + 1000)) end
`;

function script(body: string): Script {
  const text = `${prelude.trim()}\n${body}`;
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

/**
 * KEYS: values (hash), versions, ends and members (sorted sets), newest (string), then the lease of each change.
 * ARGV: member, channel, sinceVersion, then for each change: field, keepMs, fence or '', text.
 * A value is `writtenMs endsMs text`. Gives newest, members, how many were too long and how many were not ours, places of the refused
 * from 0, and version, age and text of each conclusion.
 */
export const syncScript: Script = script(`
local values, versions, ends, members, newestKey = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local since = number(ARGV[3])

local function forget(field)
  redis.call('HDEL', values, field)
  redis.call('ZREM', versions, field)
  redis.call('ZREM', ends, field)
end

redis.call('ZADD', members, text(nowMs), ARGV[1])
redis.call('ZREMRANGEBYSCORE', members, '-inf', text(nowMs - ${memberMs}))
redis.call('ZREMRANGEBYSCORE', members, '(' .. text(nowMs), '+inf')
keep(members, ${2 * memberMs})

for _, field in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', text(nowMs), 'LIMIT', 0, 1000)) do forget(field) end
redis.call('ZREMRANGEBYSCORE', versions, '8e15', '+inf')
-- A part of the data may have been evicted.
if redis.call('HLEN', values) > redis.call('ZCARD', versions) then
  for _, field in ipairs(redis.call('HKEYS', values)) do
    if not redis.call('ZSCORE', versions, field) then forget(field) end
  end
end

local newest = number(redis.call('GET', newestKey))
local from = since
-- The member knows more than the store: all was lost, and nothing that is here now is older than what it has seen.
if since > newest then
  newest = since
  from = 0
end

local refused = {}
local hasWritten = false
for change = 0, #KEYS - 6 do
  local field, keepMs, fence, value = ARGV[4 * change + 4], tonumber(ARGV[4 * change + 5]), ARGV[4 * change + 6], ARGV[4 * change + 7]
  if fence ~= '' and number(redis.call('HGET', KEYS[change + 6], 'fence')) > tonumber(fence) then
    refused[#refused + 1] = change
  else
    newest = math.max(newest + 1, nowUs)
    redis.call('HSET', values, field, text(nowMs) .. ' ' .. text(nowMs + keepMs) .. ' ' .. value)
    redis.call('ZADD', versions, text(newest), field)
    redis.call('ZADD', ends, text(nowMs + keepMs), field)
    hasWritten = true
  end
end
if hasWritten then
  local tooMany = redis.call('ZCARD', versions) - ${mostConclusions}
  if tooMany > 0 then
    for _, field in ipairs(redis.call('ZRANGE', versions, 0, tooMany - 1)) do forget(field) end
  end
  keep(values, ${longestKeepMs})
  keep(versions, ${longestKeepMs})
  keep(ends, ${longestKeepMs})
  redis.call('SET', newestKey, text(newest), 'PX', ${2 * longestKeepMs})
  -- Who may not publish may still write.
  redis.pcall('PUBLISH', ARGV[2], ARGV[1])
end

local found, bytes, tooLong, notOurs = {}, 0, 0, 0
local newer = redis.call('ZRANGEBYSCORE', versions, '(' .. text(from), '+inf', 'WITHSCORES')
for place = 1, #newer, 2 do
  local field = newer[place]
  local size = redis.call('HSTRLEN', values, field)
  if size == 0 then
    forget(field)
  elseif size > ${mostBytes} or bytes + size > ${mostAnswerBytes} then
    tooLong = tooLong + 1
  else
    local written, till, value = string.match(redis.call('HGET', values, field), '^(%d+) (%d+) (.*)$')
    written, till = number(written), number(till)
    if written == 0 or written > nowMs + 60000 or till < written or till - written > ${longestKeepMs} then
      notOurs = notOurs + 1
    elseif till > nowMs then
      bytes = bytes + size
      found[#found + 1] = newer[place + 1]
      found[#found + 1] = text(math.max(0, nowMs - written))
      found[#found + 1] = value
    end
  end
end
return { text(newest), redis.call('ZCARD', members), tooLong, notOurs, refused, found }
`);

/** KEYS: the lease (hash). ARGV: token, forMs. Gives 1 and the fence, or 0 and the milliseconds that are left to whoever has it. */
export const leaseScript: Script = script(`
local held = redis.call('HMGET', KEYS[1], 'token', 'ends', 'fence')
local leftMs = number(held[2]) - nowMs
-- An end that no lease could have is none.
local isHeld = held[1] and leftMs > 0 and leftMs <= ${longestLeaseMs}
if isHeld and held[1] ~= ARGV[1] then return { 0, text(leftMs) } end
local fence = number(held[3])
if not isHeld or fence == 0 then fence = math.max(fence + 1, nowUs) end
redis.call('HSET', KEYS[1], 'token', ARGV[1], 'ends', text(nowMs + tonumber(ARGV[2])), 'fence', text(fence))
keep(KEYS[1], ${longestLeaseMs + longestKeepMs})
return { 1, text(fence) }
`);

/** KEYS: the lease. ARGV: token. The fence stays. */
export const releaseScript: Script = script(`
if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then redis.call('HDEL', KEYS[1], 'token', 'ends') end
return {}
`);

/** KEYS: an allowance (hash) for each ask. ARGV, for each: perMinute, most, wanted, least. Gives given and waitMs of each; -1 is never. */
export const takeScript: Script = script(`
local answers = {}
for place, key in ipairs(KEYS) do
  local perMinute, most = tonumber(ARGV[4 * place - 3]), tonumber(ARGV[4 * place - 2])
  local wanted, least = tonumber(ARGV[4 * place - 1]), tonumber(ARGV[4 * place])
  local last = redis.call('HMGET', key, 'level', 'at')
  local there = most
  if last[1] and last[2] then
    local passedUs = math.max(0, nowUs - number(last[2]))
    there = math.min(most, number(last[1]) + passedUs * perMinute / 6e7)
  end
  local given
  if wanted < 0 then
    given = math.max(wanted, there - most)
  else
    given = math.min(wanted, math.floor(there))
    if given < least then given = 0 end
  end
  if wanted ~= 0 then
    local fillMs = ${31 * longestKeepMs}
    if perMinute > 0 then fillMs = math.min(fillMs, most / perMinute * 60000) end
    redis.call('HSET', key, 'level', text(there - given), 'at', text(nowUs))
    keep(key, fillMs)
  end
  local needed, waitMs = math.max(least, 1), 0
  if there < needed then
    waitMs = -1
    if needed <= most and perMinute > 0 then waitMs = math.ceil((needed - there) / perMinute * 60000) end
  end
  answers[2 * place - 1] = text(given)
  answers[2 * place] = text(waitMs)
end
return answers
`);

/** KEYS: a sum (hash) for each ask. ARGV, for each: windowMs, amount. Gives total and leftMs of each. */
export const addScript: Script = script(`
local answers = {}
for place, key in ipairs(KEYS) do
  local windowMs, amount = tonumber(ARGV[2 * place - 1]), tonumber(ARGV[2 * place])
  local window = math.floor(nowMs / windowMs)
  local leftMs = (window + 1) * windowMs - nowMs
  local last = redis.call('HMGET', key, 'window', 'total')
  local total = amount
  local before = tonumber(last[2])
  if last[1] == text(window) and before and math.abs(before) < 8e15 then total = before + amount end
  if amount ~= 0 then
    redis.call('HSET', key, 'window', text(window), 'total', text(total))
    keep(key, leftMs)
  end
  answers[2 * place - 1] = text(total)
  answers[2 * place] = text(leftMs)
end
return answers
`);
