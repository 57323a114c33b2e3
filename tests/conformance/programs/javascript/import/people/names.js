exports.first = "Ada";
