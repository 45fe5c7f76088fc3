/** Binds Preact and htm: `html` makes elements from tagged templates. */
import { Component, Fragment, h, render } from "../vendor/preact/preact.js";
import htm from "../vendor/htm/htm.js";

export { useEffect, useId, useLayoutEffect, useRef, useState } from "../vendor/preact/hooks.js";
export { Fragment, render };
export const html = htm.bind(h);

/** A component that renders again only if one of its props is another object. */
export function memo(view) {
  return class extends Component {
    shouldComponentUpdate(next) {
      const names = new Set([...Object.keys(this.props), ...Object.keys(next)]);
      return [...names].some((name) => this.props[name] !== next[name]);
    }

    render(props) {
      return view(props);
    }
  };
}
