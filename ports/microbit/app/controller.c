// SPDX-License-Identifier: Apache-2.0
// The field controller itself. Version 2 against version 1:
//  - its version string;
//  - a fix: a rule that fails is reported once, not every second;
//  - a new function, board.median, and a rule that uses it.
// Version 3 differs from it in the string only.
// In the large build (APP_LARGE) version 2 also has the UTF-8 library, SHA-512, and better
// constants for the dew point.
#include <stdio.h>
#include <string.h>

#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"

#include "ports/microbit/app/app.h"
#include "ports/microbit/app/arena.h"
#ifdef APP_LARGE
#include "ports/microbit/app/self_test.h"
#endif

#if APP_VERSION == 1
#define VERSION "1.4.0"
#elif APP_VERSION == 2
#define VERSION "1.5.0"
#else
#define VERSION "1.6.0"
#endif

static lua_State* lua;
static char running_slot[2];
static char line[96];
static unsigned typed;

enum { kMaxRules = 8 };
enum { kOff, kOn, kUnknown, kFailed };
static struct Rule {
  int name, when, act;  // references
  int state;
} rule_list[kMaxRules];
static unsigned rule_count;

static unsigned CheckChannel(lua_State* state) {
  const lua_Integer channel = luaL_checkinteger(state, 1);
  luaL_argcheck(state, channel >= 0 && channel < kChannels, 1, "no such channel");
  return (unsigned)channel;
}

static int Read(lua_State* state) {
  lua_pushnumber(state, (lua_Number)BoardRead(CheckChannel(state)) * 100 / 4096);
  return 1;
}

#if APP_VERSION >= 2
// The median of a number of readings of one channel.
static int Median(lua_State* state) {
  const unsigned channel = CheckChannel(state);
  const lua_Integer count = luaL_optinteger(state, 2, 5);
  short sorted[15];
  luaL_argcheck(state, count > 0 && count <= 15 && count % 2 == 1, 2, "1, 3, ... 15");
  for (int size = 0; size < count; ++size) {
    const short value = (short)BoardRead(channel);
    int at = size;
    for (; at > 0 && sorted[at - 1] > value; --at) sorted[at] = sorted[at - 1];
    sorted[at] = value;
  }
  lua_pushnumber(state, (lua_Number)sorted[count / 2] * 100 / 4096);
  return 1;
}
#endif

static int Switch(lua_State* state) {
  BoardSwitch((unsigned)luaL_checkinteger(state, 1) & 15, lua_toboolean(state, 2));
  return 0;
}

static int Milliseconds(lua_State* state) {
  lua_pushinteger(state, (lua_Integer)BoardMilliseconds());
  return 1;
}

static int Log(lua_State* state) {
  printf("[%u] %s\n", (unsigned)BoardMilliseconds(), luaL_checkstring(state, 1));
  return 0;
}

// rule(name, when, act): from now on, `act` is called with what `when` says, whenever that has
// changed.
static int Rule(lua_State* state) {
  luaL_checkstring(state, 1);
  luaL_checktype(state, 2, LUA_TFUNCTION);
  luaL_checktype(state, 3, LUA_TFUNCTION);
  luaL_argcheck(state, rule_count < kMaxRules, 1, "too many rules");
  struct Rule* const rule = &rule_list[rule_count++];
  lua_settop(state, 3);
  rule->act = luaL_ref(state, LUA_REGISTRYINDEX);
  rule->when = luaL_ref(state, LUA_REGISTRYINDEX);
  rule->name = luaL_ref(state, LUA_REGISTRYINDEX);
  rule->state = kUnknown;
  return 0;
}

static int Memory(lua_State* state) {
  lua_pushinteger(state, (lua_Integer)ArenaUsed());
  lua_pushinteger(state, (lua_Integer)ArenaPeak());
  lua_pushinteger(state, (lua_Integer)ArenaSize());
  return 3;
}

static const luaL_Reg functions[] = {
    {"read", Read},
#if APP_VERSION >= 2
    {"median", Median},
#endif
    {"switch", Switch}, {"milliseconds", Milliseconds},
    {"log", Log},       {"rule", Rule},
    {"memory", Memory}, {NULL, NULL},
};

static int OpenBoard(lua_State* state) {
  luaL_newlib(state, functions);
  lua_pushliteral(state, VERSION);
  lua_setfield(state, -2, "version");
  lua_pushstring(state, running_slot);
  lua_setfield(state, -2, "slot");
  return 1;
}

// One chunk at a time: what the parser needs for one is free again for the next.
static const char* const rules[] = {
#ifdef APP_LARGE
#if APP_VERSION == 1
    "magnus = {a = 17.27, b = 237.7}",
#else
    "magnus = {a = 17.62, b = 243.12}",
#endif
    "function dew_point(celsius, humidity)\n"
    "  local m = math.log(humidity / 100) + magnus.a * celsius / (magnus.b + celsius)\n"
    "  return magnus.b * m / (magnus.a - m)\n"
    "end",
    "print(string.format('dew point at %.1f C and %d %%: %.2f C', 21.5, 60, dew_point(21.5, 60)))",
    "board.rule('window', function() return dew_point(board.read(0), board.read(1)) > 10 end,\n"
    "  function(on) board.switch(6, on) end)",
#endif
    "board.rule('heating', function() return board.read(0) < 21.5 end,\n"
    "  function(on) board.switch(3, on) end)",
    "board.rule('pump', function() return board.milliseconds() // 3600000 % 6 == 0 end,\n"
    "  function(on) board.switch(5, on) end)",
#if APP_VERSION >= 2
    "board.rule('fan', function() return board.median(1, 7) > 30 end,\n"
    "  function(on) board.switch(4, on) end)",
#endif
};

static const luaL_Reg libraries[] = {
    {LUA_GNAME, luaopen_base},        {"board", OpenBoard},
#ifdef APP_LARGE
    {LUA_STRLIBNAME, luaopen_string}, {LUA_MATHLIBNAME, luaopen_math},
    {LUA_TABLIBNAME, luaopen_table},
#if APP_VERSION >= 2
    {LUA_UTF8LIBNAME, luaopen_utf8},
#endif
#endif
};

static void Run(const char* text, const char* name) {
  if (luaL_loadbuffer(lua, text, strlen(text), name) != LUA_OK ||
      lua_pcall(lua, 0, 0, 0) != LUA_OK) {
    printf("%s\n", lua_tostring(lua, -1));
    lua_pop(lua, 1);
  }
}

void ControllerStart(char slot) {
  ArenaInit();
  running_slot[0] = slot;
  printf("field controller " VERSION ", " LUA_RELEASE ", slot %c\n", slot);
#ifdef APP_LARGE
  unsigned count;
  const unsigned right = SelfTest(&count);
  printf("self-test: %u of %u ciphers are right\n", right, count);
#endif
  lua = lua_newstate(ArenaAllocate, NULL);
  lua_gc(lua, LUA_GCSTOP);
  for (unsigned i = 0; i < sizeof libraries / sizeof libraries[0]; ++i) {
    luaL_requiref(lua, libraries[i].name, libraries[i].func, 1);
    lua_pop(lua, 1);
  }
  lua_gc(lua, LUA_GCRESTART);
  lua_gc(lua, LUA_GCINC, 120, 400, 8);
  for (unsigned i = 0; i < sizeof rules / sizeof rules[0]; ++i) Run(rules[i], "=rules");
}

// Calls the function on the stack with `arguments` above it.
static int Call(const struct Rule* rule, int arguments) {
  if (lua_pcall(lua, arguments, 1, 0) == LUA_OK) return 1;
#if APP_VERSION >= 2
  if (rule->state == kFailed) return 0;
#endif
  lua_rawgeti(lua, LUA_REGISTRYINDEX, rule->name);
  printf("%s: %s\n", lua_tostring(lua, -1), lua_tostring(lua, -2));
  lua_pop(lua, 1);
  return 0;
}

static void RunRule(struct Rule* rule) {
  lua_rawgeti(lua, LUA_REGISTRYINDEX, rule->when);
  const int worked = Call(rule, 0);
  const int state = worked ? lua_toboolean(lua, -1) : kFailed;
  lua_pop(lua, 1);
  if (state == rule->state) return;
  rule->state = state;
  if (!worked) return;
  lua_rawgeti(lua, LUA_REGISTRYINDEX, rule->name);
  printf("[%u] %s %s\n", (unsigned)BoardMilliseconds(), lua_tostring(lua, -1),
         state ? "on" : "off");
  lua_pop(lua, 1);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, rule->act);
  lua_pushboolean(lua, state);
  if (!Call(rule, 1)) rule->state = kFailed;
  lua_pop(lua, 1);
}

int ControllerPoll(void) {
  static uint32_t next;
  if ((int32_t)(BoardMilliseconds() - next) < 0) return 0;
  next = BoardMilliseconds() + 1000;
  for (unsigned i = 0; i < rule_count; ++i) RunRule(&rule_list[i]);
  return 1;
}

void ControllerStop(void) {
  lua_close(lua);
  rule_count = typed = 0;
}

void ControllerInput(uint8_t byte) {
  if (byte == '\r' || byte == '\n') {
    line[typed] = 0;
    if (typed != 0) Run(line, "=console");
    typed = 0;
  } else if ((byte == 8 || byte == 127) && typed != 0) {
    --typed;
  } else if (byte >= ' ' && byte < 127 && typed + 1 < sizeof line) {
    line[typed++] = (char)byte;
  }
}
