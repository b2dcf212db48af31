-- tags: an index a tag, of all its jobs by jid: a walk through them finds a job that is put anew meanwhile only once.
-- @include stage
local function index_tags(job, score)
  for tag in string.gmatch(options_of(job).tags, '[^\t]+') do set_score(key('tag', tag), job.jid, score) end
end
