declare global {
  namespace JSX {
    interface IntrinsicElements { [name: string]: Record<string, unknown> }
    type Element = string;
  }
}
const React = { createElement: (tag: string): string => tag };
console.log(<p title="x" />);
export {};
