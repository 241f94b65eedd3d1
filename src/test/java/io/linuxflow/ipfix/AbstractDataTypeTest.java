// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.ipfix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.math.BigInteger;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class AbstractDataTypeTest {

    @ParameterizedTest
    @CsvSource({
        "UNSIGNED8, ff, 255",
        "UNSIGNED16, fffe, 65534",
        "UNSIGNED32, 80000000, 2147483648",
        "UNSIGNED64, 7fffffffffffffff, 9223372036854775807",
        "SIGNED8, ff, -1",
        "SIGNED16, 8000, -32768",
        "SIGNED32, 7fffffff, 2147483647",
        "SIGNED64, fffffffffffffffe, -2",
    })
    void section6_1_1_integersAreBigEndian(AbstractDataType type, String octets, long value) {
        assertThat(decode(type, octets)).isEqualTo(value);
    }

    @Test
    void section6_1_1_unsigned64BeyondLongIsBigInteger() {
        assertThat(decode(AbstractDataType.UNSIGNED64, "ffffffffffffffff"))
                .isEqualTo(BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE));
    }

    @ParameterizedTest
    @CsvSource({
        "UNSIGNED64, 01, 1",
        "UNSIGNED64, ffffff, 16777215",
        "UNSIGNED32, 8000, 32768",
        "SIGNED64, ff, -1",
        "SIGNED64, 8000000000, -549755813888",
        "SIGNED32, 7fff, 32767",
    })
    void section6_2_reducedSizeKeepsTheValue(AbstractDataType type, String octets, long value) {
        assertThat(type.allows(octets.length() / 2)).isTrue();
        assertThat(decode(type, octets)).isEqualTo(value);
    }

    @Test
    void section6_1_4_floats() {
        assertThat(decode(AbstractDataType.FLOAT64, "3ff8000000000000")).isEqualTo(1.5);
        assertThat(decode(AbstractDataType.FLOAT32, "3fc00000")).isEqualTo(1.5);
    }

    @Test
    void section6_2_float64MayComeAsFloat32() {
        assertThat(AbstractDataType.FLOAT64.allows(4)).isTrue();
        assertThat(decode(AbstractDataType.FLOAT64, "bfc00000")).isEqualTo(-1.5);
    }

    @Test
    void section6_1_5_booleansAreOneAndTwo() {
        assertThat(decode(AbstractDataType.BOOLEAN, "01")).isEqualTo(true);
        assertThat(decode(AbstractDataType.BOOLEAN, "02")).isEqualTo(false);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> decode(AbstractDataType.BOOLEAN, "00"))
                .withMessageContaining("0 is no boolean");
    }

    @Test
    void section6_1_6_stringsAreUtf8WithoutFillers() {
        assertThat(decode(AbstractDataType.STRING, "657468 c3a9")).isEqualTo("eth\u00e9");
        assertThat(decode(AbstractDataType.STRING, "6574 6830 0000")).isEqualTo("eth0");
        assertThat(decode(AbstractDataType.STRING, "")).isEqualTo("");
    }

    @Test
    void section6_1_7_seconds() {
        assertThat(decode(AbstractDataType.DATE_TIME_SECONDS, "65535f00"))
                .isEqualTo(Instant.ofEpochSecond(0x65535f00L));
        assertThat(decode(AbstractDataType.DATE_TIME_SECONDS, "ffffffff"))
                .isEqualTo(Instant.parse("2106-02-07T06:28:15Z"));
    }

    @Test
    void section6_1_8_milliseconds() {
        assertThat(decode(AbstractDataType.DATE_TIME_MILLISECONDS, "0000018bcfe56801"))
                .isEqualTo(Instant.parse("2023-11-14T22:13:20.001Z"));
    }

    @Test
    void addressesKeepTheirFamily() throws Exception {
        assertThat(decode(AbstractDataType.IPV4_ADDRESS, "c000020c"))
                .isInstanceOf(Inet4Address.class)
                .isEqualTo(InetAddress.getByName("192.0.2.12"));
        assertThat(decode(AbstractDataType.IPV6_ADDRESS, "20010db8000000000000000000000001"))
                .isEqualTo(InetAddress.getByName("2001:db8::1"));
        assertThat(decode(AbstractDataType.IPV6_ADDRESS, "00000000000000000000ffffc000020c"))
                .isInstanceOf(Inet6Address.class);
    }

    @Test
    void macAddressesAreReadable() {
        assertThat(decode(AbstractDataType.MAC_ADDRESS, "02005e0053f1"))
                .isEqualTo("02:00:5e:00:53:f1");
    }

    @Test
    void octetArraysAndListsAreTheirOctets() {
        assertThat(decode(AbstractDataType.OCTET_ARRAY, "00ff")).isEqualTo(new byte[] {0, -1});
        assertThat(decode(AbstractDataType.BASIC_LIST, "ff0102")).isEqualTo(new byte[] {-1, 1, 2});
    }

    @ParameterizedTest
    @EnumSource
    void everyTypeAllowsItsFullLengthAndNoEmptyField(AbstractDataType type) {
        assertThat(type.allows(type.length())).isTrue();
        assertThat(type.allows(0)).isFalse();
        assertThat(type.allows(-1)).isFalse();
        assertThat(type.allows(65536)).isFalse();
        assertThat(AbstractDataType.of(type.toString())).isSameAs(type);
    }

    @Test
    void lengthsThatTheTypeForbidsAreRefused() {
        InformationElement address = ElementRegistry.iana().byName("sourceIPv4Address").get();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new FieldSpecifier(address, 16))
                .withMessage("sourceIPv4Address is ipv4Address and can't have length 16");
    }

    @Test
    void unknownTypesAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> AbstractDataType.of("unsigned128"))
                .withMessageContaining("unsigned128");
    }

    @ParameterizedTest
    @CsvSource({
        "UNSIGNED8, ff",
        "UNSIGNED16, fffe",
        "UNSIGNED32, 80000000",
        "UNSIGNED32, 8000",
        "UNSIGNED64, 7fffffffffffffff",
        "UNSIGNED64, ffffffffffffffff",
        "UNSIGNED64, 01",
        "SIGNED8, 80",
        "SIGNED16, 8000",
        "SIGNED32, 7fff",
        "SIGNED64, fffffffffffffffe",
        "SIGNED64, 8000000000",
        "FLOAT64, 3ff8000000000000",
        "FLOAT64, bfc00000",
        "FLOAT32, 3fc00000",
        "BOOLEAN, 01",
        "BOOLEAN, 02",
        "STRING, 657468c3a9",
        "STRING, 657468300000",
        "DATE_TIME_SECONDS, ffffffff",
        "DATE_TIME_MILLISECONDS, 0000018bcfe56801",
        "DATE_TIME_MICROSECONDS, e8fd2b8040000000",
        "DATE_TIME_NANOSECONDS, e8fd2b8040000000",
        "IPV4_ADDRESS, c000020c",
        "IPV6_ADDRESS, 00000000000000000000ffffc000020c",
        "MAC_ADDRESS, 02005e0053f1",
        "OCTET_ARRAY, 00ff",
        "BASIC_LIST, ff0102",
    })
    void section6_whatIsEncodedIsWhatWasDecoded(AbstractDataType type, String octets) {
        assertThat(type.encode(decode(type, octets), octets.length() / 2))
                .isEqualTo(Hex.octets(octets));
    }

    @ParameterizedTest
    @CsvSource({
        "UNSIGNED8, 256, 1, 256 is out of range: 0 to 255",
        "UNSIGNED64, -1, 8, -1 is out of range: 0 to 18446744073709551615",
        "UNSIGNED64, 65536, 2, 65536 is out of range: 0 to 65535",
        "SIGNED8, -129, 1, -129 is out of range: -128 to 127",
        "BOOLEAN, 1, 1, Long 1 is no Boolean",
        "IPV4_ADDRESS, 1, 4, Long 1 is no Inet4Address",
        "UNSIGNED8, 1, 2, unsigned8 can't have length 2",
    })
    void whatDoesNotFitIsRefused(AbstractDataType type, long value, int length, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> type.encode(value, length))
                .withMessage(message);
    }

    @Test
    void timesBeforeTheirFormatBeginsAreRefused() {
        for (AbstractDataType type :
                new AbstractDataType[] {
                    AbstractDataType.DATE_TIME_SECONDS,
                    AbstractDataType.DATE_TIME_MILLISECONDS,
                    AbstractDataType.DATE_TIME_MICROSECONDS,
                    AbstractDataType.DATE_TIME_NANOSECONDS
                }) {
            assertThatIllegalArgumentException()
                    .isThrownBy(
                            () -> type.encode(Instant.parse("1969-12-31T23:59:59Z"), type.length()))
                    .withMessageContaining("is out of range");
        }
    }

    @Test
    void textsFillTheirFieldAndNoMore() {
        assertThat(AbstractDataType.STRING.encode("eth0", 6)).isEqualTo(Hex.octets("657468300000"));
        assertThat(AbstractDataType.STRING.encode("eth0", FieldSpecifier.VARIABLE_LENGTH))
                .isEqualTo(Hex.octets("65746830"));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> AbstractDataType.STRING.encode("eth0", 3))
                .withMessage("4 octets don't fit into a field of 3");
    }

    private static Object decode(AbstractDataType type, String text) {
        byte[] octets = Hex.octets(text);
        byte[] padded = new byte[octets.length + 2];
        System.arraycopy(octets, 0, padded, 1, octets.length);
        return type.decode(padded, 1, 1 + octets.length);
    }
}
