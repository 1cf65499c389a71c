/**
 * Makes elements.  Text is always a text node, so nothing that a server says becomes markup.
 */
const SVG = "http://www.w3.org/2000/svg";

/** An HTML element with properties, and with elements and texts in it. */
export function html(tag, properties = {}, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...inside);
  return element;
}

/** An SVG element with attributes, and with elements in it. */
export function svg(tag, attributes = {}, ...inside) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...inside);
  return element;
}

/** Write into a text node, or into the only text node of an element, where the text differs. */
export function write(node, text) {
  const leaf = node.firstChild || node;
  if (leaf.nodeType !== Node.TEXT_NODE) node.append(text);
  else if (leaf.data !== text) leaf.data = text;
}

/** Every element that has an id, by it. */
export function byId() {
  const found = {};
  for (const element of document.querySelectorAll("[id]")) found[element.id] = element;
  return found;
}
