-- memory: records, in hashes name -> text: memory; own_memory: of those that belong to this store, which are not dumped;
-- readers: those of them that say up to which event somebody has read.
-- @include keys
-- @constant OWN_PREFIXES
-- @constant READER_PREFIX
local function begins(name, prefixes)
  for _, start in ipairs(prefixes) do
    if string.sub(name, 1, #start) == start then return true end
  end
  return false
end

local function is_own(name)
  return begins(name, OWN_PREFIXES)
end

local function memory_of(name)
  if begins(name, {READER_PREFIX}) then return key('readers') end
  return key(is_own(name) and 'own_memory' or 'memory')
end
