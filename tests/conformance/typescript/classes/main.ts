abstract class Shape { abstract area(): number; describe(): string { return `${this.area()}`; } }
class Square extends Shape {
  twice = this.side * 2;
  #secret = 1;
  static count = 0;
  constructor(private readonly side: number) { super(); }
  override area(): number { return this.side ** 2 + this.#secret - Square.count; }
}
enum Color { Red = "red", Green = "green" }
const enum Size { Small, Big }
namespace Geometry { export const pi = 3; }
console.log(new Square(2).describe(), Color.Red, Size.Big, Geometry.pi, new Square(1).twice);
function assertIsString(value: unknown): asserts value is string { if (typeof value !== "string") throw new Error("no", { cause: value }); }
const value: unknown = "x";
assertIsString(value);
console.log(value.length);
try { throw new Error("a"); } catch (error) { console.log(error.message); }
