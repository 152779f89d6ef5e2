-- What Pandoc's pages need beside the Markdown of the lessons:
-- * Pages get short names. Links from lesson to lesson lead to that part of the book; links to the repository's files,
--   which the book does not have, become plain text.
-- * A hat keeps its width, and a bar is as wide as what it stands over.
-- * The file to fill in stands at the end of "Your turn".
-- * The first page of the site is the table of the lessons, with a sentence and the hours of each.
-- * A printed page has the lesson's title at its head.

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

function Image(image)
  image.src = image.src:gsub("%.png$", ".webp")             -- book.py has written them
  return image
end

function Math(formula)
  local html = pandoc.write(pandoc.Pandoc{pandoc.Plain{formula}}, "html", {html_math_method = "mathml"})
  html = html:gsub('(<mo accent="true")>\u{302}', '%1 stretchy="false">\u{2C6}'):gsub("\u{AF}", "\u{203E}")
  html = html:gsub("<mover>", "\1"):gsub("</mover>", "\2")
  local count
  repeat                                    -- from the inside out: browsers look for the accent in mover, not in mo
    html, count = html:gsub("\1([^\1\2]*)\2", function(inside)
      local accent = inside:match('<mo accent="true"[^>]*>[^<]*</mo>$') and ' accent="true"' or ""
      return "<mover" .. accent .. ">" .. inside .. "</mover>"
    end)
  until count == 0
  return pandoc.RawInline("html", html)
end

-- A short block of code stays on one page
function CodeBlock(block)
  local _, lines = block.text:gsub("\n", "")
  if lines > 16 then
    block.classes:insert("long")
  end
  return block
end

-- The stubs of a lesson, as blocks
local function exercise(lesson)
  local path = "lessons/" .. lesson .. "/exercise.py"
  local file = assert(io.open(path, "r"))
  local code = file:read("a")
  file:close()
  local says = pandoc.Para{pandoc.Str "This is ", pandoc.Code(path), pandoc.Str ", of which you get your copy:"}
  return pandoc.Div({says, pandoc.CodeBlock(code, {class = "python long"})}, {class = "exercise"})
end

-- The blocks of the book with each lesson's stubs before what follows "Your turn"
local function with_exercises(blocks)
  local result, lesson, turn = pandoc.List(), nil, false
  for _, block in ipairs(blocks) do
    if block.t == "Header" and block.level <= 2 then
      if turn then
        result:insert(exercise(lesson))
      end
      if block.level == 1 then
        lesson = block.identifier
      end
      turn = pandoc.utils.stringify(block) == "Your turn"
    end
    result:insert(block)
  end
  return result
end

-- What the course's own page begins with, and its table of the lessons. Pandoc finds no page for the links of metadata.
local function first_page(blocks)
  local result, i = pandoc.List(), 2
  while blocks[i].t ~= "Header" do
    result:insert(blocks[i])
    i = i + 1
  end
  result:insert(pandoc.Para{
    "Begin with ", pandoc.Link("how the course works", "#course"), ". Words are in the ",
    pandoc.Link("glossary", "#glossary"), "."
  })
  while not (blocks[i].t == "Table" and pandoc.utils.stringify(blocks[i].head):find("hours")) do
    i = i + 1
  end
  result:insert(blocks[i])
  return result:map(function(block)
    return block:walk{Link = function(link)
      link.target = link.target:gsub("^#(.*)$", "%1.html")
      return link
    end}
  end)
end

-- Rules for print: the title of a part stands at the head of each of its pages, with the page's number
local function heads(blocks)
  local rules = pandoc.List()
  for _, block in ipairs(blocks) do
    if block.t == "Header" and block.level == 1 then
      local title = pandoc.utils.stringify(block):gsub('["\\]', "\\%0")
      rules:insert(('section[id="%s"] { page: p%s }\n@page p%s { @top-left { content: "%s" } }'):format(
        block.identifier, block.identifier, block.identifier, title))
    end
  end
  return pandoc.RawBlock("html", "<style>\n" .. table.concat(rules, "\n") .. "\n</style>")
end

function Pandoc(book)
  local blocks = with_exercises(book.blocks)
  if FORMAT == "chunkedhtml" then
    book.meta.first = pandoc.MetaBlocks(first_page(blocks))
  else
    book.meta["header-includes"] = pandoc.MetaBlocks{heads(blocks)}
  end
  return pandoc.Pandoc(blocks, book.meta)
end
