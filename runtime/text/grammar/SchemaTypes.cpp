//===- SchemaTypes.cpp - The grammar of strings, numbers and arrays
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   {"type": "string", "maxLength": 3}   ==> "\"" char{0,3} "\""
//   {"type": "integer", "minimum": 7, "maximum": 9}  ==> [7-9]
//   {"prefixItems": [{"type": "null"}]}  ==> "[" ws null ws "]"
//
//===----------------------------------------------------------------------===//

#include "Gbnf.h"
#include "SchemaPattern.h"
#include "SchemaTranslator.h"
#include <algorithm>
#include <cmath>

namespace modelc::grammar {
namespace {

/// The largest number of 18 digits, which `integer` may have.
constexpr int64_t kLargest = 999999999999999999;

// RFC 3339, appendix A; February has 28 days, and a minute 60 seconds.
#define MODELC_DATE                                                            \
  "[0-9]{4} \"-\" ((\"0\" [13578] | \"1\" [02]) \"-\" (\"0\" [1-9] | [12] "    \
  "[0-9] | \"3\" [01]) | (\"0\" [469] | \"11\") \"-\" (\"0\" [1-9] | [12] "    \
  "[0-9] | \"30\") | \"02-\" (\"0\" [1-9] | \"1\" [0-9] | \"2\" [0-8]))"
#define MODELC_HOUR "([01] [0-9] | \"2\" [0-3]) \":\" [0-5] [0-9]"
#define MODELC_TIME                                                            \
  MODELC_HOUR                                                                  \
  " \":\" [0-5] [0-9] (\".\" [0-9]{1,9})? (\"Z\" | [+-] " MODELC_HOUR ")"
#define MODELC_BYTE                                                            \
  "(\"25\" [0-5] | \"2\" [0-4] [0-9] | \"1\" [0-9]{2} | [1-9]? [0-9])"

struct Format {
  std::string_view name;
  const char *expression;
};

constexpr Format kFormats[] = {
    {"date", MODELC_DATE},
    {"time", MODELC_TIME},
    {"date-time", MODELC_DATE " \"T\" " MODELC_TIME},
    {"uuid", "hex{8} (\"-\" hex{4}){3} \"-\" hex{12}"},
    {"ipv4", MODELC_BYTE " (\".\" " MODELC_BYTE "){3}"}};

std::string bounds(int64_t least, int64_t most) {
  if (most == kNoLimit)
    return least == 0   ? "*"
           : least == 1 ? "+"
                        : "{" + std::to_string(least) + ",}";
  return "{" + std::to_string(least) + "," + std::to_string(most) + "}";
}

/// Items behind `fixed` others, so that there are `least` to `most` of all.
std::string moreItems(const std::string &item, int64_t fixed, int64_t least,
                      int64_t most) {
  // Of those that have a comma before them.
  int64_t begin = std::max<int64_t>(fixed, 1);
  std::string more = "(\",\" ws " + item + ")" +
                     bounds(std::max<int64_t>(least - begin, 0),
                            most == kNoLimit ? most : most - begin);
  return fixed > 0 ? more : item + " " + more;
}

} // namespace

/// Two whole numbers, 0 or more; *low and *high stay where they are not given.
bool SchemaTranslator::readCounts(const Dict &schema, const char *least,
                                  const char *most, const SchemaPlace &place,
                                  int64_t *low, int64_t *high) {
  for (auto [key, target] : {std::pair(least, low), std::pair(most, high)}) {
    const Value *value = schema.find(key);
    if (!value)
      continue;
    if (!hasJsonType(*value, "integer") || value->asReal() < 0 ||
        value->asReal() > kMaxRepeat)
      return refuse(place, std::string(key) +
                               ": expected a whole number of 0 "
                               "to " +
                               std::to_string(kMaxRepeat));
    *target = static_cast<int64_t>(value->asReal());
  }
  return *low <= *high || refuse(place, std::string(most) + " is below " +
                                            least + ": nothing fits");
}

bool SchemaTranslator::translateString(const Dict &schema,
                                       const SchemaPlace &place,
                                       std::string *result) {
  int64_t least = 0, most = kNoLimit;
  if (!readCounts(schema, "minLength", "maxLength", place, &least, &most))
    return false;
  bool isLimited = least > 0 || most != kNoLimit;
  const Value *format = schema.find("format");
  if (const Value *pattern = schema.find("pattern")) {
    if (!pattern->isString())
      return refuse(place, "pattern: expected a string");
    if (isLimited || format)
      return lack(place, "minLength, maxLength or format beside pattern");
    std::string expression, what;
    SchemaResult why = translatePattern(pattern->string(), &expression, &what);
    if (why != SchemaResult::good)
      return end(why, place, what);
    *result = addRule("\"\\\"\" " + expression + " \"\\\"\"");
    return true;
  }
  if (!format) {
    *result = isLimited
                  ? addRule("\"\\\"\" char" + bounds(least, most) + " \"\\\"\"")
                  : "string";
    return true;
  }
  if (!format->isString())
    return refuse(place, "format: expected a string");
  if (isLimited)
    return lack(place, "minLength or maxLength beside format");
  for (const Format &known : kFormats)
    if (known.name == format->string()) {
      *result =
          addRule("\"\\\"\" " + std::string(known.expression) + " \"\\\"\"");
      return true;
    }
  return lack(place, "the format '" + std::string(format->string()) + "'");
}

bool SchemaTranslator::translateInteger(const Dict &schema,
                                        const SchemaPlace &place,
                                        std::string *result) {
  int64_t low = -kLargest, high = kLargest;
  for (auto [key, isLow, isExclusive] :
       {std::tuple("minimum", true, false),
        std::tuple("exclusiveMinimum", true, true),
        std::tuple("maximum", false, false),
        std::tuple("exclusiveMaximum", false, true)}) {
    const Value *value = schema.find(key);
    if (!value)
      continue;
    if (!hasJsonType(*value, "number"))
      return refuse(place, std::string(key) + ": expected a number");
    double real = value->asReal();
    double whole = isLow ? std::ceil(real) : std::floor(real);
    // One further if the limit itself, a whole number, is not in.
    int64_t step = isExclusive && whole == real ? (isLow ? 1 : -1) : 0;
    int64_t limit = value->isInteger() ? value->asInteger()
                    : std::fabs(whole) < 1e18
                        ? static_cast<int64_t>(whole)
                        : (whole < 0 ? -kLargest - 1 : kLargest + 1);
    limit = std::clamp(limit, -kLargest - 1, kLargest + 1) + step;
    if (isLow)
      low = std::max(low, limit);
    else
      high = std::min(high, limit);
  }
  if (low > high)
    return refuse(place, "no whole number of 18 digits is in the limits");
  *result = low == -kLargest && high == kLargest
                ? "integer"
                : addRule(integerRange(low, high));
  return true;
}

bool SchemaTranslator::translateNumber(const Dict &schema,
                                       const SchemaPlace &place,
                                       std::string *result) {
  *result = "number";
  for (const char *key :
       {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}) {
    const Value *value = schema.find(key);
    if (!value)
      continue;
    if (key != std::string_view("minimum") || !hasJsonType(*value, "number") ||
        value->asReal() != 0)
      return lack(place, std::string("'") + key +
                             "' of a number that need not be whole, but for "
                             "a minimum of 0,");
    *result = "positive";
  }
  return true;
}

bool SchemaTranslator::translateArray(const Dict &schema,
                                      const SchemaPlace &place,
                                      std::string *result) {
  // Before 2020 a list of `items` was what prefixItems is now.
  const Value *prefix = schema.find("prefixItems");
  const Value *items = schema.find("items");
  if (!prefix && items && items->is(Kind::list)) {
    prefix = items;
    items = schema.find("additionalItems");
  }
  if (prefix && !prefix->is(Kind::list))
    return refuse(place, "prefixItems: expected a list");
  if (const Value *unique = schema.find("uniqueItems");
      unique && jinja::isTrue(*unique))
    return lack(place, "uniqueItems");
  bool isClosed =
      items ? items->is(Kind::boolean) && !items->boolean : prefix != nullptr;
  int64_t fixed = prefix ? static_cast<int64_t>(prefix->list->items.size()) : 0;
  int64_t least = fixed, most = kNoLimit;
  const Value *given = schema.find("maxItems");
  if (isClosed)
    most = fixed;
  if (given && hasJsonType(*given, "integer"))
    least = std::min<int64_t>(least, std::max(given->asReal(), 0.0));
  if (!readCounts(schema, "minItems", "maxItems", place, &least, &most))
    return false;
  if (isClosed && least > fixed)
    return refuse(place, "minItems is above the number of items");
  if (isClosed)
    most = std::min(most, fixed);

  std::string rest;
  if (most > fixed) {
    std::string item = "value";
    if (items && !translate(*items, place.below("items"), &item))
      return false;
    rest = moreItems(item, fixed, least, most);
  }
  // What follows the items before `at`, from the last to the first.
  for (int64_t at = std::min(fixed, most); at-- > 0;) {
    std::string item;
    if (!translate(prefix->list->items[at],
                   place.below("prefixItems/" + std::to_string(at)), &item))
      return false;
    rest = (at > 0 ? "\",\" ws " : "") + item + " " + rest;
    if (at >= least && at > 0)
      rest = "(" + rest + ")?";
    if (at > 0)
      rest = addRule(rest);
  }
  if (!rest.empty())
    rest = least == 0 ? "(" + rest + " ws)?" : rest + " ws";
  *result = addRule("\"[\" ws " + rest + " \"]\"");
  return true;
}

} // namespace modelc::grammar
