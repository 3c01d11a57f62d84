-- Begins or goes on with the books: {.., epoch for new books, 1 when the sender knows of older ones, now, seconds of grace, layout}.
-- Where books that some writer knew are gone, all writers need a moment to bring theirs back: until then nobody may
-- take the totals for what was spent.
-- Answers {epoch, the writer's new term, its last batch, seconds since the epoch from which the books may be trusted, 1
-- when new, how much of the batch after the last one it has, 1 when the layout is this one}.
local epoch, new = call('GET', prefix .. 'epoch'), 0
if not epoch then
  epoch, new = input[9], 1
  call('SET', prefix .. 'epoch', epoch)
  call('SET', prefix .. 'layout', input[13])
  if input[10] == 1 then call('SET', prefix .. 'ready', input[11] + input[12]) end
end
local term, last, part = sent_by(input[5])
note_sent(input[5], term + 1, last, part)
-- As text: a number would lose its fraction.
return {epoch, term + 1, last, call('GET', prefix .. 'ready') or '0', new, part,
  call('GET', prefix .. 'layout') == input[13] and 1 or 0}
