import { value } from "./declared";
import * as lib from "left";
console.log(value, lib.pad(1));
