#pragma once

inline constexpr auto FIRST = "Ada";
