-- tags: an index a tag, of all its jobs by jid: a walk through them finds a job that is put anew meanwhile only once.
-- @include figures
-- Enter a job, whose state counts if it has one yet, into the indexes of its tags; or, with `score` false, take it out.
local function index_tags(job, score)
  for tag in string.gmatch(options_of(job).tags, '[^\t]+') do set_score(key('tag', tag), job.jid, score) end
  if score then count_state(job, nil, job.state) else count_state(job, job.state, nil) end
end
