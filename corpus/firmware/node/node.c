// SPDX-License-Identifier: Apache-2.0
// Network node on lwIP: gets an address by DHCP and the time by SNTP, publishes readings over MQTT, takes commands
// over MQTT and the console, and shows a status page over HTTP.
// Variants: KEEP_ALIVE (a constant), FIX_BANNER (a string of another length), ADD_RATE_LIMIT (one function more, in the
// middle of the image).
#include <lwip/apps/httpd.h>
#include <lwip/apps/mqtt.h>
#include <lwip/apps/sntp.h>
#include <lwip/dhcp.h>
#include <lwip/dns.h>
#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"

#ifndef KEEP_ALIVE
#define KEEP_ALIVE 60
#endif
#ifdef FIX_BANNER
#define BANNER "node: waiting for an address from the DHCP server\n"
#else
#define BANNER "node: waiting for an address\n"
#endif
#ifdef ADD_RATE_LIMIT
#define FW_VERSION "0.10.0"
#else
#define FW_VERSION "0.9.4"
#endif

enum { kInputs = 6, kReportPeriod = 10000, kFrameSize = 1514 };

static struct netif netif;
static mqtt_client_t* client;
static ip_addr_t broker;
static char client_id[24];
static uint32_t time_base, last_report;
static int connecting;
static char topic_in[48];
static int16_t thresholds[kInputs] = {100, 100, 200, 200, 400, 400};
static int16_t last_value[kInputs];

u32_t sys_now(void) { return board_millis(); }

void node_set_time(uint32_t seconds) { time_base = seconds - board_millis() / 1000; }

static err_t SendFrame(struct netif* interface, struct pbuf* packet) {
  static uint8_t frame[kFrameSize];
  (void)interface;
  if (packet->tot_len > sizeof frame) return ERR_BUF;
  pbuf_copy_partial(packet, frame, packet->tot_len, 0);
  board_frame_write(frame, packet->tot_len);
  return ERR_OK;
}

static void ReceiveFrames(void) {
  static uint8_t frame[kFrameSize];
  for (int size; (size = board_frame_read(frame, sizeof frame)) > 0;) {
    struct pbuf* packet = pbuf_alloc(PBUF_RAW, (u16_t)size, PBUF_POOL);
    if (!packet) return;
    pbuf_take(packet, frame, (u16_t)size);
    if (netif.input(packet, &netif) != ERR_OK) pbuf_free(packet);
  }
}

static err_t SetUpInterface(struct netif* interface) {
  interface->name[0] = 'e';
  interface->name[1] = 'n';
  interface->hostname = "node";
  interface->mtu = 1500;
  interface->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
  interface->hwaddr_len = 6;
  uint32_t random = board_random();
  interface->hwaddr[0] = 2;
  memcpy(interface->hwaddr + 1, &random, 4);
  interface->output = etharp_output;
  interface->linkoutput = SendFrame;
  return ERR_OK;
}

static void Published(void* argument, err_t status) {
  if (status != ERR_OK) printf("publish %s: error %d\n", (const char*)argument, status);
}

static void Publish(const char* name, const char* text) {
  char topic[48];
  if (!client || !mqtt_client_is_connected(client)) return;
  snprintf(topic, sizeof topic, "%s/%s", client_id, name);
  err_t status = mqtt_publish(client, topic, text, (u16_t)strlen(text), 1, 0, Published, (void*)name);
  if (status != ERR_OK) Published((void*)name, status);
}

static void Command(char* text) {
  char reply[64];
  char* argument = strchr(text, ' ');
  if (argument) *argument++ = 0;
  if (!strcmp(text, "output") && argument) {
    char* state = strchr(argument, '=');
    if (state) board_output((unsigned)atoi(argument) & 15, atoi(state + 1));
  } else if (!strcmp(text, "threshold") && argument) {
    char* value = strchr(argument, '=');
    unsigned input = (unsigned)atoi(argument);
    if (value && input < kInputs) thresholds[input] = (int16_t)atoi(value + 1);
  } else if (!strcmp(text, "status")) {
    snprintf(reply, sizeof reply, "node " FW_VERSION " up %us at %s", (unsigned)(board_millis() / 1000),
             ip4addr_ntoa(netif_ip4_addr(&netif)));
    Publish("status", reply);
    printf("%s\n", reply);
  } else if (!strcmp(text, "broker") && argument) {
    printf(ipaddr_aton(argument, &broker) ? "broker set\n" : "not an address\n");
  } else {
    printf("commands: output N=0|1, threshold N=VALUE, status, broker ADDRESS\n");
  }
}

static void IncomingTopic(void* argument, const char* topic, u32_t size) {
  (void)argument;
  snprintf(topic_in, sizeof topic_in, "%s", topic);
  if (size > 64) printf("%s: %u bytes are too many\n", topic, (unsigned)size);
}

static void IncomingData(void* argument, const u8_t* data, u16_t size, u8_t flags) {
  char text[65];
  (void)argument;
  if (size > 64 || !(flags & MQTT_DATA_FLAG_LAST)) return;
  memcpy(text, data, size);
  text[size] = 0;
  printf("%s: %s\n", topic_in, text);
  Command(text);
}

static void ConnectionChanged(mqtt_client_t* who, void* argument, mqtt_connection_status_t status) {
  char topic[48];
  connecting = 0;
  if (status != MQTT_CONNECT_ACCEPTED) {
    printf("broker refused or gone: %d\n", status);
    return;
  }
  mqtt_set_inpub_callback(who, IncomingTopic, IncomingData, argument);
  snprintf(topic, sizeof topic, "%s/command", client_id);
  mqtt_subscribe(who, topic, 1, NULL, NULL);
  Publish("version", FW_VERSION);
}

static void Connect(void) {
  static struct mqtt_connect_client_info_t info;
  if (connecting || ip_addr_isany(&broker) || !dhcp_supplied_address(&netif)) return;
  if (!client) client = mqtt_client_new();
  if (!client || mqtt_client_is_connected(client)) return;
  info.client_id = client_id;
  info.keep_alive = KEEP_ALIVE;
  info.will_topic = "lost";
  info.will_msg = client_id;
  connecting = mqtt_client_connect(client, &broker, MQTT_PORT, ConnectionChanged, NULL, &info) == ERR_OK;
}

static void BrokerFound(const char* name, const ip_addr_t* address, void* argument) {
  (void)argument;
  if (address) {
    broker = *address;
  } else {
    printf("%s: not found\n", name);
  }
}

#ifdef ADD_RATE_LIMIT
// Lets an input report only so often: a token bucket for each input, refilled with time.
static int MayReport(int input) {
  static uint32_t refilled[kInputs];
  static uint8_t tokens[kInputs];
  uint32_t now = board_millis();
  uint32_t earned = (now - refilled[input]) / 2000;
  if (earned) {
    refilled[input] = now;
    tokens[input] = (uint8_t)(tokens[input] + earned > 8 ? 8 : tokens[input] + earned);
  }
  if (tokens[input] == 0) {
    printf("input %d reports too often\n", input);
    return 0;
  }
  --tokens[input];
  return 1;
}
#endif

static void Report(void) {
  char text[64];
  int due = board_millis() - last_report >= kReportPeriod;
  for (int i = 0; i < kInputs; ++i) {
    int value = board_adc((unsigned)i);
    if (!due && abs(value - last_value[i]) < thresholds[i]) continue;
#ifdef ADD_RATE_LIMIT
    if (!MayReport(i)) continue;
#endif
    last_value[i] = (int16_t)value;
    snprintf(text, sizeof text, "{\"input\":%d,\"value\":%d,\"time\":%u}", i, value,
             (unsigned)(time_base + board_millis() / 1000));
    Publish("reading", text);
  }
  if (due) last_report = board_millis();
}

static const char* OutputPage(int index, int count, char* names[], char* values[]) {
  (void)index;
  for (int i = 0; i < count; ++i) {
    if (names[i][0] == 'o') board_output((unsigned)atoi(names[i] + 1) & 15, atoi(values[i]));
  }
  return "/index.html";
}

static const tCGI pages[] = {{"/output", OutputPage}};

int main(void) {
  static char line[64];
  unsigned used = 0;
  lwip_init();
  snprintf(client_id, sizeof client_id, "node-%08x", (unsigned)board_random());
  printf(BANNER);
  netif_add_noaddr(&netif, NULL, SetUpInterface, ethernet_input);
  netif_set_default(&netif);
  netif_set_up(&netif);
  dhcp_start(&netif);
  httpd_init();
  http_set_cgi_handlers(pages, 1);
  sntp_setservername(0, "pool.ntp.org");
  sntp_init();
  int asked = 0;
  for (uint32_t next = 0;;) {
    ReceiveFrames();
    sys_check_timeouts();
    if (!asked && dhcp_supplied_address(&netif)) {
      asked = 1;
      printf("address %s\n", ip4addr_ntoa(netif_ip4_addr(&netif)));
      if (dns_gethostbyname("broker.local", &broker, BrokerFound, NULL) == ERR_VAL) printf("no name server\n");
    }
    if ((int32_t)(board_millis() - next) >= 0) {
      next = board_millis() + 500;
      Connect();
      Report();
    }
    if (board_line(line, sizeof line, &used)) Command(line);
  }
}
