// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

/** What a packet starts with where tc programs see it. */
public enum LinkLayer {
    /** An Ethernet header of 14 octets. */
    ETHERNET,
    /** The network header: tunnels, WireGuard, PPP. */
    NONE,
    /** Something else, such as InfiniBand or CAN. */
    UNSUPPORTED;

    private static final int ARPHRD_ETHER = 1;
    private static final int ARPHRD_PPP = 512;
    private static final int ARPHRD_RAWIP = 519;
    private static final int ARPHRD_TUNNEL = 768;
    private static final int ARPHRD_TUNNEL6 = 769;
    private static final int ARPHRD_LOOPBACK = 772;
    private static final int ARPHRD_SIT = 776;
    private static final int ARPHRD_IPGRE = 778;
    private static final int ARPHRD_PIMREG = 779;
    private static final int ARPHRD_IP6GRE = 823;
    private static final int ARPHRD_NONE = 0xfffe;
    private static final int ARPHRD_VOID = 0xffff;

    /** The types without a header are those of dev_is_mac_header_xmit() in linux/if_arp.h. */
    static LinkLayer of(int arphrd) {
        return switch (arphrd) {
            case ARPHRD_ETHER, ARPHRD_LOOPBACK -> ETHERNET;
            case ARPHRD_PPP,
                    ARPHRD_RAWIP,
                    ARPHRD_TUNNEL,
                    ARPHRD_TUNNEL6,
                    ARPHRD_SIT,
                    ARPHRD_IPGRE,
                    ARPHRD_PIMREG,
                    ARPHRD_IP6GRE,
                    ARPHRD_NONE,
                    ARPHRD_VOID ->
                    NONE;
            default -> UNSUPPORTED;
        };
    }
}
