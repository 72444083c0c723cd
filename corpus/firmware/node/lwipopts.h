// SPDX-License-Identifier: Apache-2.0
// lwIP for the node: no operating system, IPv4 with DHCP and DNS, TCP and UDP, an MQTT client, SNTP and a web server.
#pragma once
#include <stdint.h>

#include "board.h"

#define NO_SYS 1
#define LWIP_SOCKET 0
#define LWIP_NETCONN 0
#define LWIP_TIMERS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define MEM_ALIGNMENT 4
#define MEM_SIZE 6144
#define PBUF_POOL_SIZE 6
#define PBUF_POOL_BUFSIZE 600
#define MEMP_NUM_SYS_TIMEOUT 16
#define MEMP_NUM_TCP_PCB 4
#define TCP_MSS 536
#define TCP_WND (2 * TCP_MSS)
#define TCP_SND_BUF (2 * TCP_MSS)
#define LWIP_DHCP 1
#define LWIP_DNS 1
#define LWIP_ICMP 1
#define LWIP_RAW 0
#define LWIP_STATS 0
#define LWIP_NETIF_HOSTNAME 1
#define LWIP_RAND() board_random()
#define MQTT_OUTPUT_RINGBUF_SIZE 512
#define HTTPD_USE_CUSTOM_FSDATA 0
#define LWIP_HTTPD_CGI 1
#define LWIP_HTTPD_SSI 0
#define SNTP_SERVER_DNS 1
void node_set_time(uint32_t seconds);
#define SNTP_SET_SYSTEM_TIME(seconds) node_set_time(seconds)
