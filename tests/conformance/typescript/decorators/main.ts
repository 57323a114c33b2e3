function log(target: any, key: string, descriptor: PropertyDescriptor): void {
  const original = descriptor.value;
  descriptor.value = function (...args: unknown[]) { console.log(key); return original.apply(this, args); };
}
function sealed(constructor: Function) { Object.seal(constructor); }
@sealed
class A {
  @log
  greet(name: string): string { return `hi ${name}`; }
}
console.log(new A().greet("x"));
