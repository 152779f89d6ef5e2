-- Pages get short names. Links from lesson to lesson lead to that part of the book; links to the repository's files,
-- which the book does not have, become plain text.

local function name_of(path)
  return path:match("^lessons/([^/]+)/README%.md$") or (path == "lessons/README.md" and "course") or nil
end

function Header(header)
  if header.level == 1 then
    header.identifier = header.identifier:match("^lessons__(.-)__readmemd__") or "course"
  end
  return header
end

function Link(link)
  local page = link.target:match("^#lessons__(.-)__readmemd$")     -- Pandoc has seen that it leads to a page of the book
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
