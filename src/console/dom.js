// Dom: elements in one call, and the few changes that leave an element where it is. Text gets in by textContent only.

/** `text`, `class` and `on` (listeners by event) are taken apart; everything else is an attribute; null and false leave it out. */
export function el(tag, { class: name, text, on = {}, ...attributes } = {}, ...children) {
  return filled(document.createElement(tag), { name, text, on, attributes }, children)
}

const SVG = 'http://www.w3.org/2000/svg'

export function svg(tag, { class: name, text, on = {}, ...attributes } = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), { name, text, on, attributes }, children)
}

function filled(element, { name, text, on, attributes }, children) {
  if (name) element.setAttribute('class', name)
  if (text !== undefined && text !== null) element.textContent = text
  for (const [event, listener] of Object.entries(on)) element.addEventListener(event, listener)
  for (const [key, value] of Object.entries(attributes)) setAttribute(element, key, value)
  element.append(...children.filter((child) => child !== null && child !== undefined))
  return element
}

export function setAttribute(element, key, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(key)
  else if (element.getAttribute(key) !== String(value)) element.setAttribute(key, value === true ? '' : String(value))
}

/** Touches nothing when it says that already: a selection and a screen reader stay undisturbed. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text
}

/** The same for a list of elements. */
export function setChildren(box, wanted) {
  const same = wanted.length === box.children.length && wanted.every((item, index) => box.children[index] === item)
  if (!same) box.replaceChildren(...wanted)
}

export function byId(id) {
  return document.getElementById(id)
}

/** `work`, once before the next picture is drawn, however often it is asked for. */
export function beforePaint(work) {
  let asked = false
  return () => {
    if (asked) return
    asked = true
    requestAnimationFrame(() => {
      asked = false
      work()
    })
  }
}
