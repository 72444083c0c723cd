// SPDX-License-Identifier: Apache-2.0
// Field controller on Lua: rules in a script read sensors and switch outputs; the console takes Lua statements.
// Variants: SENSOR_GAIN (a constant), ADD_STATISTICS (one function more, in the middle of the image).
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "board.h"
#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"

#ifndef SENSOR_GAIN
#define SENSOR_GAIN 1250
#endif
#ifdef ADD_STATISTICS
#define FW_VERSION "1.5.0"
#else
#define FW_VERSION "1.4.0"
#endif

enum { kSensors = 8 };

static int CheckSensor(lua_State* lua) {
  lua_Integer sensor = luaL_checkinteger(lua, 1);
  luaL_argcheck(lua, sensor >= 0 && sensor < kSensors, 1, "no such sensor");
  return (int)sensor;
}

static int Read(lua_State* lua) {
  lua_pushnumber(lua, board_adc((unsigned)CheckSensor(lua)) * (lua_Number)SENSOR_GAIN / 4096);
  return 1;
}

static int Switch(lua_State* lua) {
  board_output((unsigned)luaL_checkinteger(lua, 1) & 15, lua_toboolean(lua, 2));
  return 0;
}

static int Millis(lua_State* lua) {
  lua_pushinteger(lua, (lua_Integer)board_millis());
  return 1;
}

#ifdef ADD_STATISTICS
// Mean and standard deviation of a number of readings of one sensor.
static int Statistics(lua_State* lua) {
  int sensor = CheckSensor(lua);
  lua_Integer count = luaL_optinteger(lua, 2, 16);
  luaL_argcheck(lua, count > 1 && count <= 1000, 2, "count out of range");
  lua_Number sum = 0, squares = 0;
  for (lua_Integer i = 0; i < count; ++i) {
    lua_Number value = board_adc((unsigned)sensor) * (lua_Number)SENSOR_GAIN / 4096;
    sum += value;
    squares += value * value;
  }
  lua_pushnumber(lua, sum / (lua_Number)count);
  lua_pushnumber(lua, sqrtf((squares - sum * sum / (lua_Number)count) / (lua_Number)(count - 1)));
  return 2;
}
#endif

static int Log(lua_State* lua) {
  printf("[%u] %s\n", (unsigned)board_millis(), luaL_checkstring(lua, 1));
  return 0;
}

static int Store(lua_State* lua) {
  size_t size;
  const char* text = luaL_checklstring(lua, 1, &size);
  luaL_argcheck(lua, size < 2048, 1, "longer than a flash sector");
  board_flash_erase(0);
  board_flash_write(0, text, (uint32_t)size + 1);
  return 0;
}

static const luaL_Reg functions[] = {
    {"read", Read},
    {"switch", Switch},
    {"millis", Millis},
#ifdef ADD_STATISTICS
    {"statistics", Statistics},
#endif
    {"log", Log},
    {"store", Store},
    {NULL, NULL},
};

static int OpenBoard(lua_State* lua) {
  luaL_newlib(lua, functions);
  lua_pushliteral(lua, FW_VERSION);
  lua_setfield(lua, -2, "version");
  return 1;
}

static const char rules[] =
    "rules = {}\n"
    "function rule(name, when, action) rules[#rules + 1] = {name = name, when = when, action = action} end\n"
    "function run()\n"
    "  for _, r in ipairs(rules) do\n"
    "    local ok, state = pcall(r.when)\n"
    "    if not ok then board.log(r.name .. ': ' .. state)\n"
    "    elseif state ~= r.state then r.state = state; board.log(r.name .. (state and ' on' or ' off')); r.action(state) end\n"
    "  end\n"
    "end\n"
    "rule('heating', function() return board.read(0) < 215 end, function(on) board.switch(3, on) end)\n"
    "rule('fan', function() return board.read(1) > 600 end, function(on) board.switch(4, on) end)\n"
    "rule('pump', function() return board.millis() // 3600000 % 6 == 0 end, function(on) board.switch(5, on) end)\n";

static const luaL_Reg libraries[] = {
    {LUA_GNAME, luaopen_base},       {LUA_COLIBNAME, luaopen_coroutine}, {LUA_TABLIBNAME, luaopen_table},
    {LUA_STRLIBNAME, luaopen_string}, {LUA_MATHLIBNAME, luaopen_math},   {LUA_UTF8LIBNAME, luaopen_utf8},
    {"board", OpenBoard},            {NULL, NULL},
};

static void Run(lua_State* lua, const char* text, const char* name) {
  if (luaL_loadbuffer(lua, text, strlen(text), name) != LUA_OK || lua_pcall(lua, 0, 0, 0) != LUA_OK) {
    printf("%s\n", lua_tostring(lua, -1));
    lua_pop(lua, 1);
  }
}

int main(void) {
  static char line[160];
  unsigned used = 0;
  lua_State* lua = luaL_newstate();
  for (const luaL_Reg* library = libraries; library->func; ++library) {
    luaL_requiref(lua, library->name, library->func, 1);
    lua_pop(lua, 1);
  }
  printf("field controller " FW_VERSION ", " LUA_RELEASE "\n");
  Run(lua, rules, "=rules");
  const char* stored = (const char*)board_flash_at(0);
  if ((unsigned char)stored[0] != 0xff) Run(lua, stored, "=stored");
  for (uint32_t next = 0;;) {
    if ((int32_t)(board_millis() - next) >= 0) {
      next = board_millis() + 1000;
      Run(lua, "run()", "=run");
    }
    if (board_line(line, sizeof line, &used)) Run(lua, line, "=console");
  }
}

// What picolibc leaves to the board: the console behind stdio, the heap's end, and no files.
static int ConsolePut(char c, FILE* file) {
  (void)file;
  board_putc(c);
  return 0;
}

static int ConsoleGet(FILE* file) {
  (void)file;
  return board_getc();
}

static FILE console = FDEV_SETUP_STREAM(ConsolePut, ConsoleGet, NULL, _FDEV_SETUP_RW);
FILE* const stdin = &console;
FILE* const stdout = &console;
FILE* const stderr = &console;

void* sbrk(ptrdiff_t size) {
  extern char fw_heap_start[], fw_heap_end[];
  static char* end = fw_heap_start;
  if (size > fw_heap_end - end) return (void*)-1;
  char* start = end;
  end += size;
  return start;
}

void _exit(int status) {
  (void)status;
  for (;;) {
  }
}

void abort(void) { _exit(1); }

FILE* fopen(const char* path, const char* mode) {
  (void)path, (void)mode;
  return NULL;
}

FILE* freopen(const char* path, const char* mode, FILE* file) {
  (void)path, (void)mode, (void)file;
  return NULL;
}

clock_t clock(void) { return (clock_t)board_millis(); }

time_t time(time_t* to) {
  time_t now = (time_t)(board_millis() / 1000);
  if (to) *to = now;
  return now;
}
