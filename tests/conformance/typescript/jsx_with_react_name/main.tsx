const React = { createElement: (tag: string, props: object | null, ...children: unknown[]) => ({ tag, props, children }) };
const view = <ul className="x">{[1, 2].map((n) => <li key={n}>{n}</li>)}</ul>;
console.log(JSON.stringify(view));
