// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.flow;

import static io.linuxflow.flow.FlowFilter.ANY;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FlowFilterTest {

    /** Behind another record. */
    private static final int AT = FlowLayout.SIZE;

    private final ByteBuffer records =
            ByteBuffer.allocate(2 * FlowLayout.SIZE).order(ByteOrder.nativeOrder());

    private void flow(int version, String source, int sourcePort, String destination, int port)
            throws UnknownHostException {
        address(FlowLayout.SOURCE_ADDRESS, source);
        address(FlowLayout.DESTINATION_ADDRESS, destination);
        port(FlowLayout.SOURCE_PORT, sourcePort);
        port(FlowLayout.DESTINATION_PORT, port);
        records.put(AT + FlowLayout.IP_VERSION, (byte) version);
        records.put(AT + FlowLayout.PROTOCOL, (byte) Flow.TCP);
        records.putInt(AT + FlowLayout.INGRESS_IFINDEX, 3);
        records.putInt(AT + FlowLayout.EGRESS_IFINDEX, 4);
        records.put(AT + FlowLayout.DIRECTION, (byte) 1);
    }

    private void address(int member, String text) throws UnknownHostException {
        byte[] octets = InetAddress.getByName(text).getAddress();
        if (octets.length == 4) {
            records.putShort(AT + member + 10, (short) -1);
        }
        records.put(AT + member + 16 - octets.length, octets);
    }

    private void port(int member, int port) {
        records.put(AT + member, (byte) (port >> 8)).put(AT + member + 1, (byte) port);
    }

    @ParameterizedTest
    @CsvSource({
        "-1,  -1, ,               -1,    ,                -1, true",
        " 4,   6, 10.1.0.2,       40000, 10.2.0.2,        80, true",
        " 3,  -1, ,               -1,    ,                -1, false",
        "-1,  17, ,               -1,    ,                -1, false",
        "-1,  -1, 10.1.0.0/16,    -1,    10.2.0.0/15,     -1, true",
        "-1,  -1, 10.2.0.0/16,    -1,    ,                -1, false",
        "-1,  -1, ,               40001, ,                -1, false",
        "-1,  -1, ,               -1,    10.2.0.3,        -1, false",
        "-1,  -1, ,               -1,    ,                81, false",
        "-1,  -1, ::/0,           -1,    ,                -1, false",
    })
    void meansFlowsOfWhichAllThatIsGivenIsSo(
            int ifindex,
            int protocol,
            String source,
            int sourcePort,
            String destination,
            int destinationPort,
            boolean meant)
            throws UnknownHostException {
        flow(4, "10.1.0.2", 40000, "10.2.0.2", 80);
        FlowFilter filter =
                new FlowFilter(
                        ifindex == ANY ? null : Set.of(9, ifindex),
                        protocol,
                        source == null ? null : Prefix.parse(source),
                        sourcePort,
                        destination == null ? null : Prefix.parse(destination),
                        destinationPort);
        assertThat(filter.matches(records, AT)).isEqualTo(meant);
    }

    @ParameterizedTest
    @CsvSource({
        "fd00:1::/32,  true",
        "fd00:1::2,    true",
        "fd00:2::/32,  false",
        "::/0,         true",
        "0.0.0.0/0,    false",
    })
    void tellsIpv6FromIpv4(String source, boolean meant) throws UnknownHostException {
        flow(6, "fd00:1::2", 40000, "fd00:2::2", 80);
        FlowFilter filter = new FlowFilter(null, ANY, Prefix.parse(source), ANY, null, ANY);
        assertThat(filter.matches(records, AT)).isEqualTo(meant);
    }

    @ParameterizedTest
    @CsvSource({"0, true", "2048, false"})
    void icmpHasNoPortsAsItIsShownWithNone(int port, boolean meant) throws UnknownHostException {
        flow(4, "10.1.0.2", 0, "10.2.0.2", 2048);
        records.put(AT + FlowLayout.PROTOCOL, (byte) Flow.ICMP);
        FlowFilter filter = new FlowFilter(null, Flow.ICMP, null, 0, null, port);
        assertThat(filter.matches(records, AT)).isEqualTo(meant);
    }

    @ParameterizedTest
    @CsvSource({"0, 3", "1, 4"})
    void theInterfaceIsTheOneThatMeteredThePackets(int direction, int ifindex)
            throws UnknownHostException {
        flow(4, "10.1.0.2", 40000, "10.2.0.2", 80);
        records.put(AT + FlowLayout.DIRECTION, (byte) direction);
        for (int each = 3; each <= 4; each++) {
            FlowFilter filter = new FlowFilter(Set.of(each), ANY, null, ANY, null, ANY);
            assertThat(filter.matches(records, AT)).isEqualTo(each == ifindex);
        }
    }
}
