const fs = require("fs");
const { join } = require("path");
import os = require("os");
console.log(fs.existsSync("/"), join("a", "b"), typeof os.cpus);
