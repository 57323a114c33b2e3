/** @jsx h */
/** @jsxFrag Fragment */
const Fragment = "";
function h(tag: string | ((props: any) => string), props: any, ...children: any[]): string {
  return typeof tag === "function" ? tag({ ...props, children }) : `<${tag}>${children.join("")}</${tag}>`;
}
function Hello({ name }: { name: string }) { return <b>Hello {name}</b>; }
console.log(<div id="x"><Hello name="Ada" /><>{[1, 2].map((n) => <i>{n}</i>)}</></div>);
