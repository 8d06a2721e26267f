//===- ProfilePicture.cpp - Draws where the time of a pass goes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   decode of a token: 1.000 ms in steps
//   blk.*.ffn_down   ############==========   0.600 ms, 60.0 %: 55 % of ...
//   blk.*.attn_q     ##====                   0.150 ms, ...
//
// '#' is the time at the ceiling, '=' the rest. Plain SVG 1.1: rectangles and
// text, no script and no style sheet.
//
//===----------------------------------------------------------------------===//

#include "ProfilePicture.h"
#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>

namespace modelc::tools {
namespace {

// Pixels.
constexpr double kWidth = 1100;
constexpr double kMargin = 12;
constexpr double kLineHeight = 20;
constexpr double kBarHeight = 14;
constexpr double kNameWidth = 240;
constexpr double kMostBar = 400; ///< Of the longest row.

[[gnu::format(printf, 1, 2)]] std::string print(const char *format, ...) {
  char line[256];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof(line), format, arguments);
  va_end(arguments);
  return line;
}

/// As XML wants it: no markup, and no control characters, which it forbids.
std::string escape(const std::string &text) {
  std::string escaped;
  for (char c : text) {
    if (c == '&')
      escaped += "&amp;";
    else if (c == '<')
      escaped += "&lt;";
    else if (c == '>')
      escaped += "&gt;";
    else if (static_cast<unsigned char>(c) < 0x20)
      escaped += ' ';
    else
      escaped += c;
  }
  return escaped;
}

class Picture {
public:
  explicit Picture(const BenchResult &result) : result(result) {}

  std::string draw();

private:
  void addLine(const std::string &text);
  void addProfile(const char *title, const std::vector<ProfileRow> &rows,
                  double calls);
  void addRow(const ProfileRow &row, double total, double longest,
              double calls);
  void addText(double x, const std::string &text, const char *more = "");
  void addBar(double width, const char *colour);

  const BenchResult &result;
  std::string body;
  double y = kMargin; ///< Top of the next line.
};

std::string Picture::draw() {
  const Ceilings &ceilings = result.ceilings;
  addLine(result.modelName + ", " + result.target +
          print(", %u threads; ceilings: read %.1f GB/s, int8 %.0f GOPS, f32 "
                "%.0f GFLOPS",
                result.threads, ceilings.readGbPerSecond, ceilings.int8Gops,
                ceilings.f32Gops));
  addLine("A bar is the time of all steps of a kind; dark: the time at the "
          "nearest ceiling.");
  addProfile("prefill", result.prefillProfile, 1);
  addProfile("decode of a token", result.decodeProfile, result.profiledDecodes);
  double height = y + kMargin;
  return print("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" "
               "height=\"%.0f\" font-family=\"monospace\" font-size=\"12\">\n"
               "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
               kWidth, height) +
         body + "</svg>\n";
}

void Picture::addText(double x, const std::string &text, const char *more) {
  // The baseline of a line of this height.
  body += print("<text x=\"%.1f\" y=\"%.1f\"%s>", x, y + 15, more);
  body += escape(text) + "</text>\n";
}

void Picture::addLine(const std::string &text) {
  addText(kMargin, text);
  y += kLineHeight;
}

void Picture::addBar(double width, const char *colour) {
  body += print("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
                "fill=\"%s\"/>\n",
                kNameWidth, y + (kLineHeight - kBarHeight) / 2, width,
                kBarHeight, colour);
}

void Picture::addProfile(const char *title, const std::vector<ProfileRow> &rows,
                         double calls) {
  if (rows.empty())
    return;
  double total = 0, longest = 1;
  for (const ProfileRow &row : rows) {
    double nanoseconds = static_cast<double>(row.nanoseconds);
    total += nanoseconds;
    longest = std::max(longest, nanoseconds);
  }
  y += kLineHeight;
  addLine(title + print(": %.3f ms in steps", total / calls / 1e6));
  for (const ProfileRow &row : rows)
    addRow(row, total, longest, calls);
}

void Picture::addRow(const ProfileRow &row, double total, double longest,
                     double calls) {
  double nanoseconds = static_cast<double>(row.nanoseconds);
  double width = kMostBar * nanoseconds / longest;
  double share = computeShares(row, result.ceilings).nearest;
  addText(kNameWidth - 6, row.name, " text-anchor=\"end\"");
  addBar(width, "#9ecae1");
  // A speed above its ceiling is one of caches.
  if (std::isfinite(share))
    addBar(width * std::min(share, 1.0), "#2171b5");
  std::string text = print("%.3f ms, %.1f %%", nanoseconds / calls / 1e6,
                           total > 0 ? 100 * nanoseconds / total : 0);
  if (row.bytes > 0 || row.ops > 0)
    text += print(": %.1f GB/s, %.0f GOPS", row.gbPerSecond(), row.gops());
  if (share > 0)
    text += print(", %.0f %% of the ceiling", 100 * share);
  addText(kNameWidth + width + 6, text);
  y += kLineHeight;
}

} // namespace

std::string drawProfile(const BenchResult &result) {
  return Picture(result).draw();
}

} // namespace modelc::tools
