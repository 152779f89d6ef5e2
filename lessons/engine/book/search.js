// Search in all of the course. SECTIONS, from sections.js, has of each section: address, title of the lesson, heading, text.
// "/" goes to the box, the arrows through what is found, Escape ends.

const area = document.querySelector("search");
const box = area.querySelector("input");
const status = area.querySelector("[role=status]");
const list = area.querySelector("ol");
const SHOWN = 12, BEFORE = 50, AFTER = 120;         // sections; letters of a snippet around the first word

function count(text, word) {
  return text.toLowerCase().split(word).length - 1;
}

// How well a section fits: 0 if a word is missing. A word in a heading counts more than in the text, and a heading of just
// these words, as the glossary has, more than all.
function score([, title, heading, text], words) {
  let sum = 0;
  for (const word of words) {
    const points = 8 * count(heading, word) + 4 * count(title, word) + Math.min(count(text, word), 5);
    if (!points) return 0;
    sum += points;
  }
  return heading.toLowerCase() == words.join(" ") ? sum + 1000 : sum;
}

// The text with its words marked, as nodes: what is found is never read as HTML.
function marked(text, words) {
  const pattern = new RegExp(`(${words.map(word => word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("|")})`, "iu");
  return text.split(pattern).map((part, i) => {
    if (i % 2 == 0) return part;
    const mark = document.createElement("mark");
    mark.textContent = part;
    return mark;
  });
}

function snippet(text, words) {
  const at = Math.min(...words.map(word => text.toLowerCase().indexOf(word)).filter(at => at >= 0), text.length);
  const from = at < text.length ? Math.max(text.lastIndexOf(" ", Math.max(at - BEFORE, 0)), 0) : 0;
  const to = Math.max(from, at < text.length ? at : 0) + AFTER;
  return (from ? "… " : "") + text.slice(from, to).trim() + (to < text.length ? " …" : "");
}

function result([address, title, heading, text], words) {
  const item = document.createElement("li"), link = document.createElement("a"), part = document.createElement("p");
  link.href = address;
  link.append(...marked(heading === title ? title : `${title}: ${heading}`, words));
  part.append(...marked(snippet(text, words), words));
  item.append(link, part);
  return item;
}

function search() {
  const words = box.value.toLowerCase().split(/\s+/).filter(word => word);
  const found = words.length ? SECTIONS.map(section => [score(section, words), section]).filter(([points]) => points) : [];
  found.sort((one, other) => other[0] - one[0]);          // stable: among equals the order of reading
  list.replaceChildren(...found.slice(0, SHOWN).map(([, section]) => result(section, words)));
  status.textContent = !words.length ? "" : !found.length ? "Nothing found" :
    found.length > SHOWN ? `The first ${SHOWN} of ${found.length} sections` :
    found.length == 1 ? "1 section" : `${found.length} sections`;
}

function end() {
  box.value = "";
  search();
  box.blur();
}

document.addEventListener("keydown", event => {
  const links = [...list.querySelectorAll("a")];
  const at = links.indexOf(document.activeElement);
  const inside = at >= 0 || document.activeElement === box;
  if (event.key == "/" && document.activeElement !== box) box.focus();
  else if (event.key == "Escape" && inside) end();
  else if (event.key == "Enter" && document.activeElement === box && links.length) links[0].click();
  else if (event.key == "ArrowDown" && inside && links.length) links[Math.min(at + 1, links.length - 1)].focus();
  else if (event.key == "ArrowUp" && at >= 0) (links[at - 1] ?? box).focus();
  else return;
  event.preventDefault();
});
list.addEventListener("click", event => { if (event.target.closest("a")) setTimeout(end); });
box.addEventListener("input", search);
area.hidden = false;
