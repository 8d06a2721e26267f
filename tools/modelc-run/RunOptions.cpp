//===- RunOptions.cpp - What modelc-run is asked to do
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   {"story.mplan", "-p", "Once", "-n", "20", "--temp=0"}
//     ==> RunOptions{mode generate, file, text, predictTokens 20, greedy}
//
//===----------------------------------------------------------------------===//

#include "RunOptions.h"
#include "CommandLine.h"
#include <algorithm>
#include <limits>

namespace modelc::tools {
namespace {

/// Options as they stand on the line, before they make sense together.
struct RawOptions {
  bool help = false;
  bool version = false;
  bool chat = false;
  std::optional<std::string> prompt;
  std::optional<std::string> promptFile;
  std::optional<std::string> promptCache;
  std::optional<std::string> system;
  std::optional<std::string> templateFile;
  std::optional<std::string> templateVariables;
  bool hidesPrompt = false;
  std::vector<std::string> biases;
  std::optional<std::string> grammar;
  std::optional<std::string> grammarFile;
  std::optional<std::string> schema;
  std::optional<std::string> schemaFile;
  std::optional<std::string> tokenize;
  std::optional<std::string> logitsOut;
  std::optional<std::vector<int32_t>> tokens;
  std::optional<int64_t> predictTokens;
  std::optional<int64_t> threads;
  std::optional<int64_t> batch;
  std::optional<int64_t> contextTokens;
  std::optional<int64_t> topK;
  std::optional<int64_t> penaltyLastN;
  std::optional<int64_t> keptTokens;
  std::optional<int64_t> dryAllowedLength;
  std::optional<int64_t> dryLastN;
  std::optional<uint64_t> seed;
};

void declareOptions(CommandLine &line, RawOptions &raw, RunOptions *options) {
  line.addFlag("-h", &raw.help);
  line.addFlag("--help", &raw.help);
  line.addFlag("--version", &raw.version);
  line.addFlag("--chat", &raw.chat);
  line.addFlag("-cnv", &raw.chat);
  line.addString("--system", &raw.system);
  line.addString("--chat-template-file", &raw.templateFile);
  line.addString("--chat-template-kwargs", &raw.templateVariables);
  line.addString("-p", &raw.prompt);
  line.addString("-f", &raw.promptFile);
  line.addString("--prompt-cache", &raw.promptCache);
  line.addString("--grammar", &raw.grammar);
  line.addString("--grammar-file", &raw.grammarFile);
  line.addString("--json-schema", &raw.schema);
  line.addString("-j", &raw.schema);
  line.addString("--json-schema-file", &raw.schemaFile);
  line.addString("-jf", &raw.schemaFile);
  line.addString("--tokenize", &raw.tokenize);
  line.addString("--logits-out", &raw.logitsOut);
  line.addIds("--tokens", &raw.tokens);
  line.addInteger("-n", -1, INT32_MAX, &raw.predictTokens);
  line.addInteger("-t", 1, 4096, &raw.threads);
  line.addInteger("--batch", 1, INT32_MAX, &raw.batch);
  line.addInteger("-c", 1, INT32_MAX, &raw.contextTokens);
  line.addInteger("--top-k", 0, INT32_MAX, &raw.topK);
  line.addUnsigned("--seed", &raw.seed);
  line.addInteger("--repeat-last-n", 0, 1 << 24, &raw.penaltyLastN);
  line.addReal("--repeat-penalty", &options->sampler.repeatPenalty);
  line.addReal("--frequency-penalty", &options->sampler.frequencyPenalty);
  line.addReal("--presence-penalty", &options->sampler.presencePenalty);
  line.addReal("--dry-multiplier", &options->sampler.dryMultiplier);
  line.addReal("--dry-base", &options->sampler.dryBase);
  line.addInteger("--dry-allowed-length", 0, 1 << 24, &raw.dryAllowedLength);
  line.addInteger("--dry-penalty-last-n", -1, 1 << 24, &raw.dryLastN);
  line.addStrings("--dry-sequence-breaker", &options->dryBreakers);
  line.addStrings("--logit-bias", &raw.biases);
  line.addReal("--temp", &options->sampler.temperature);
  line.addReal("--top-p", &options->sampler.topP);
  line.addReal("--min-p", &options->sampler.minP);
  line.addReal("--typical-p", &options->sampler.typicalP);
  line.addReal("--typical", &options->sampler.typicalP);
  line.addReal("--xtc-probability", &options->sampler.xtcProbability);
  line.addReal("--xtc-threshold", &options->sampler.xtcThreshold);
  line.addStrings("--stop", &options->stopTexts);
  line.addFlag("--ignore-eos", &options->ignoresEnd);
  line.addFlag("--context-shift", &options->shiftsContext);
  line.addInteger("--keep", -1, INT32_MAX, &raw.keptTokens);
  line.addFlag("--no-display-prompt", &raw.hidesPrompt);
}

/// Decides what to do. Exactly one of -p, -f, --tokens and --tokenize is
/// given; with --chat none need be.
bool chooseMode(const RawOptions &raw, RunOptions *options,
                std::string *error) {
  int texts = raw.prompt.has_value() + raw.promptFile.has_value();
  int others = raw.tokens.has_value() + raw.tokenize.has_value();
  if (raw.chat ? texts > 1 || others > 0 : texts + others != 1) {
    *error = raw.chat ? "--chat takes at most one of -p and -f, and neither "
                        "--tokens nor --tokenize"
                      : "expected exactly one of -p, -f, --tokens and "
                        "--tokenize, or --chat";
    return false;
  }
  if (raw.tokens.has_value() != raw.logitsOut.has_value()) {
    *error = "--tokens and --logits-out belong together";
    return false;
  }
  if (raw.batch && !raw.tokens) {
    *error = "--batch belongs to --tokens";
    return false;
  }
  if (raw.promptCache && others > 0) {
    *error = "--prompt-cache belongs to -p, -f and --chat";
    return false;
  }
  if (!raw.chat && (raw.system || raw.templateFile || raw.templateVariables)) {
    *error = "--system and --chat-template-... belong to --chat";
    return false;
  }
  options->mode = raw.chat     ? RunOptions::Mode::chat
                  : texts > 0  ? RunOptions::Mode::generate
                  : raw.tokens ? RunOptions::Mode::logits
                               : RunOptions::Mode::tokenize;
  options->text = raw.prompt ? *raw.prompt : raw.tokenize.value_or("");
  options->textFile = raw.promptFile.value_or("");
  if (raw.prompt == "-") {
    options->text.clear();
    options->textFile = "-";
  }
  if (raw.chat && options->textFile == "-") {
    *error = "with --chat stdin is the conversation: -p or -f cannot read it";
    return false;
  }
  options->hasText = texts > 0;
  options->tokens = raw.tokens.value_or(std::vector<int32_t>());
  options->logitsOut = raw.logitsOut.value_or("");
  options->promptCache = raw.promptCache.value_or("");
  options->systemText = raw.system.value_or("");
  options->templateFile = raw.templateFile.value_or("");
  options->templateVariables = raw.templateVariables.value_or("");
  return true;
}

/// "29905-1.5", "13+2", "2-inf".
std::optional<modelc_logit_bias> parseBias(std::string_view text) {
  size_t sign = text.find_first_of("+-", 1);
  if (sign == text.npos)
    return std::nullopt;
  std::optional<int64_t> id = parseInteger(text.substr(0, sign));
  std::string_view number = text.substr(sign + (text[sign] == '+'));
  std::optional<float> bias = parseReal(number);
  if (number == "-inf")
    bias = -std::numeric_limits<float>::infinity();
  if (!id || *id < 0 || *id > INT32_MAX || !bias)
    return std::nullopt;
  return modelc_logit_bias{static_cast<int32_t>(*id), *bias};
}

bool parseBiases(const std::vector<std::string> &texts,
                 std::vector<modelc_logit_bias> *biases, std::string *error) {
  for (const std::string &text : texts) {
    std::optional<modelc_logit_bias> bias = parseBias(text);
    if (!bias) {
      *error = "--logit-bias: found '" + text +
               "', expected TOKEN+BIAS or TOKEN-BIAS, as 29905-1.5 or 2-inf";
      return false;
    }
    biases->push_back(*bias);
  }
  return true;
}

/// --stop, --ignore-eos and --no-display-prompt.
bool checkEnds(const RawOptions &raw, const RunOptions &options,
               std::string *error) {
  bool isGenerate = options.mode == RunOptions::Mode::generate;
  bool isText = isGenerate || options.mode == RunOptions::Mode::chat;
  bool hasGrammar =
      raw.grammar || raw.grammarFile || raw.schema || raw.schemaFile;
  if (!isText && (!options.stopTexts.empty() || options.ignoresEnd))
    *error = "--stop and --ignore-eos belong to -p, -f and --chat";
  else if (!isGenerate && raw.hidesPrompt)
    *error = "--no-display-prompt belongs to -p and -f";
  else if (!isGenerate && options.shiftsContext)
    *error = "--context-shift belongs to -p and -f";
  else if (!options.shiftsContext && raw.keptTokens)
    *error = "--keep belongs to --context-shift";
  else if (options.ignoresEnd && hasGrammar)
    *error = "--ignore-eos would forbid a grammar's end";
  else if (std::any_of(options.stopTexts.begin(), options.stopTexts.end(),
                       [](const std::string &text) { return text.empty(); }))
    *error = "--stop needs a text";
  else
    return true;
  return false;
}

/// At most one of --grammar, --grammar-file, --json-schema, --json-schema-file.
bool chooseConstraint(const RawOptions &raw, RunOptions *options,
                      std::string *error) {
  int count = raw.grammar.has_value() + raw.grammarFile.has_value() +
              raw.schema.has_value() + raw.schemaFile.has_value();
  bool isText = options->mode == RunOptions::Mode::generate ||
                options->mode == RunOptions::Mode::chat;
  if (count > 1 || (count > 0 && !isText)) {
    *error = "at most one of --grammar, --grammar-file, --json-schema and "
             "--json-schema-file belongs to -p, -f and --chat";
    return false;
  }
  options->isSchema = raw.schema || raw.schemaFile;
  options->constraint = raw.grammar ? *raw.grammar : raw.schema.value_or("");
  options->constraintFile =
      raw.grammarFile ? *raw.grammarFile : raw.schemaFile.value_or("");
  if ((raw.grammar || raw.schema) && options->constraint.empty()) {
    *error = "--grammar and --json-schema need a text";
    return false;
  }
  return true;
}

/// Those of llama.cpp, if none are given; "none" takes all away.
void chooseBreakers(std::vector<std::string> *breakers) {
  if (breakers->empty())
    *breakers = {"\n", ":", "\"", "*"};
  else if (std::ranges::find(*breakers, "none") != breakers->end())
    breakers->clear();
}

/// Asks the sampler itself whether it takes these numbers.
bool checkSampler(const modelc_sampler_options &options, std::string *error) {
  modelc_sampler *sampler;
  modelc_status status;
  if (modelc_sampler_create(&options, 1, &sampler, &status)) {
    *error = status.message;
    return false;
  }
  modelc_sampler_destroy(sampler);
  return true;
}

} // namespace

bool parseRunOptions(std::span<const char *const> arguments,
                     RunOptions *options, std::string *error) {
  *options = {};
  CommandLine line;
  RawOptions raw;
  declareOptions(line, raw, options);
  if (!line.parse(arguments, error))
    return false;
  if (raw.help || raw.version) {
    options->mode =
        raw.help ? RunOptions::Mode::help : RunOptions::Mode::version;
    return true;
  }
  if (line.positionals().size() != 1) {
    *error =
        "expected one file, found " + std::to_string(line.positionals().size());
    return false;
  }
  if (!chooseMode(raw, options, error))
    return false;

  options->file = line.positionals()[0];
  options->predictTokens = raw.predictTokens.value_or(-1);
  options->threads = static_cast<uint32_t>(raw.threads.value_or(0));
  options->batch = static_cast<uint32_t>(raw.batch.value_or(0));
  options->contextTokens = static_cast<uint32_t>(raw.contextTokens.value_or(0));
  options->sampler.topK =
      static_cast<uint32_t>(raw.topK.value_or(options->sampler.topK));
  options->sampler.seed = raw.seed.value_or(0);
  options->hasSeed = raw.seed.has_value();
  options->sampler.penaltyLastN = static_cast<uint32_t>(
      raw.penaltyLastN.value_or(options->sampler.penaltyLastN));
  options->sampler.dryAllowedLength = static_cast<uint32_t>(
      raw.dryAllowedLength.value_or(options->sampler.dryAllowedLength));
  options->keptTokens = raw.keptTokens.value_or(options->keptTokens);
  options->dryLastN = raw.dryLastN.value_or(options->dryLastN);
  chooseBreakers(&options->dryBreakers);
  options->displaysPrompt = !raw.hidesPrompt;
  if (!checkEnds(raw, *options, error) ||
      !chooseConstraint(raw, options, error))
    return false;
  if (!parseBiases(raw.biases, &options->biases, error))
    return false;
  return checkSampler(options->sampler, error);
}

std::string runUsage(const char *program, const char *file) {
  return std::string("usage: ") + program + " " + file +
         " (-p TEXT | -f FILE | --chat [--system TEXT]"
         " | --tokens=1,2,3 --logits-out=FILE [--batch=N] | --tokenize TEXT)"
         " [-n N] [--temp T --top-k K --top-p P --min-p P --seed S]"
         " [--prompt-cache FILE] [-t THREADS] [-c CONTEXT], more with --help\n";
}

std::string runHelp(const char *program, const char *file) {
  return runUsage(program, file) + R"(
  -p TEXT            continue TEXT; prompt and continuation go to stdout, all
                     else to stderr. -p - is -f -
  -f FILE            the same with the text of FILE, less one line end at its
                     end; - is stdin
  --chat, -cnv       a conversation: lines of stdin are what you say (a \ at a
                     line's end goes on), after -p or -f if given; answers go
                     to stdout. Ctrl-C stops an answer, and leaves at the
                     prompt, as /exit does; /clear forgets what was said
  --system TEXT      what the system says first
  --chat-template-file FILE     a chat template instead of the model's
  --chat-template-kwargs JSON   more variables for it, as
                     {"enable_thinking": false}
  -n N               tokens to generate, in a chat of one answer (-1, the
                     default: until the model ends or the context is full)
  --prompt-cache F   begin with the session that F holds, as far as the prompt
                     agrees, and leave the session there
  --stop TEXT        end before TEXT is generated; any number of times
  --ignore-eos       never end by itself
  --context-shift    when the context is full forget the older half of it, but
                     for --keep N tokens of the prompt (0, -1: all), and go on
  --no-display-prompt           print only what is generated
  --temp T           temperature, 0 for greedy (0.8)
  --top-k K          keep the K likeliest tokens, 0 for all (40)
  --top-p P          keep the likeliest tokens up to probability P (0.95)
  --min-p P          keep tokens at least P times as likely as the first (0.05)
  --typical-p P      keep the most typical tokens up to probability P (1: all)
  --xtc-probability P           how often XTC takes out all but the least likely
                     of the tokens above --xtc-threshold (0)
  --xtc-threshold T             (0.1)
  --seed S           seed of the sampler (one is picked, and printed)
  --repeat-penalty R      divide logits of recent tokens by R (1: none)
  --presence-penalty P    subtract P from logits of recent tokens (0)
  --frequency-penalty P   the same for each time that they occurred (0)
  --repeat-last-n N       how many tokens are recent (64)
  --dry-multiplier M      DRY: subtract M * B^(L - A) from logits of tokens that
                          would repeat more than the last L tokens, L >= A (0)
  --dry-base B            (1.75)
  --dry-allowed-length A  (2)
  --dry-penalty-last-n N  tokens that are looked at, -1 for all (-1)
  --dry-sequence-breaker TEXT   repetitions do not go over tokens with TEXT in
                     them; any number of times, "none" for none (a line's end,
                     a colon, a double quote, an asterisk)
  --logit-bias ID+B  add B to a token's logit, ID-B subtracts, ID-inf forbids
                     the token; any number of times
  --grammar TEXT     only what the grammar (GBNF) allows is generated
  --grammar-file F   the same with the text of F
  --json-schema, -j TEXT        only JSON that the schema takes is generated
  --json-schema-file, -jf F     the same with the text of F
  --tokens=1,2,3     compute these tokens ...
  --logits-out=FILE  ... and write their logits, little-endian float32
                     [tokens][vocabulary]
  --batch=N          tokens per call, at most the plan's ubatch (that)
  --tokenize TEXT    print the ids of TEXT, with BOS if the model wants it
  -t THREADS         workers (all CPUs)
  -c CONTEXT         tokens that the session may hold (the model's context)
  --version, --help
)";
}

} // namespace modelc::tools
