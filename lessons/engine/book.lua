-- Pages get short names. Links from lesson to lesson lead to that part of the book; links to the repository's files,
-- which the book does not have, become plain text.

local NAMES = {
  ["lessons/README.md"] = "course", lessons__readmemd = "course",
  ["lessons/glossary.md"] = "glossary", lessons__glossarymd = "glossary",
}

-- Of a file's path, or of what Pandoc makes of it in an identifier
local function name_of(file)
  return file:match("^lessons/([^/]+)/README%.md$") or file:match("^lessons__(.-)__readmemd$") or NAMES[file]
end

function Header(header)
  if header.level == 1 then
    header.identifier = name_of(header.identifier:match("^(.-md)__"))
  end
  return header
end

function Link(link)
  local page = name_of((link.target:gsub("^#", "")))        -- Pandoc has seen that it leads to a page of the book
  if page then
    link.target = "#" .. page
    return link
  end
  if link.target:match("^%a+:") or link.target:match("^#") then
    return link
  end
  local path, anchor = link.target:match("^([^#]*)#?(.*)$")
  local count
  repeat
    path, count = path:gsub("[^/.]+[^/]*/%.%./", "", 1)
  until count == 0
  local name = name_of(path)
  if not name then
    return link.content
  end
  link.target = "#" .. name
  if anchor ~= "" then
    link.target = "#" .. path:lower():gsub("/", "__"):gsub("%.", "") .. "__" .. anchor
  end
  return link
end
