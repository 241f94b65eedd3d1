// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.ipfix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;

class ElementRegistryTest {

    private static final ElementRegistry IANA = ElementRegistry.iana();

    @Test
    void knowsAnElementWithAllThatIsRegistered() {
        assertThat(IANA.byId(31, 0))
                .contains(
                        new InformationElement(
                                31,
                                0,
                                "flowLabelIPv6",
                                AbstractDataType.UNSIGNED32,
                                "identifier",
                                "",
                                "0-0xFFFFF",
                                "current"));
    }

    @Test
    void findsTheSameElementByIdAndByName() {
        assertThat(IANA.byName("octetDeltaCount")).isPresent().isEqualTo(IANA.byId(1, 0));
    }

    @Test
    void findsElementsInTheSpellingOfGoPrograms() {
        assertThat(IANA.byName("OctetDeltaCount")).isEqualTo(IANA.byId(1, 0));
        assertThat(IANA.byName("IcmpTypeCodeIPv4")).isEqualTo(IANA.byId(32, 0));
        assertThat(IANA.byName("Dot1qVlanId")).isEqualTo(IANA.byId(243, 0));
    }

    @Test
    void knowsNoReservedElements() {
        assertThat(IANA.byId(0, 0)).isEmpty();
        assertThat(IANA.byId(97, 0)).isEmpty();
        assertThat(IANA.byName("Reserved")).isEmpty();
        assertThat(IANA.byName("")).isEmpty();
    }

    @Test
    void isExtendedWithoutChangingTheOriginal() {
        InformationElement fwmark =
                new InformationElement(7, 32473, "fwmark", AbstractDataType.UNSIGNED32);

        ElementRegistry extended = IANA.with(List.of(fwmark));

        assertThat(extended.byId(7, 32473)).contains(fwmark);
        assertThat(extended.byName("fwmark")).contains(fwmark);
        assertThat(extended.byId(7, 0)).isEqualTo(IANA.byId(7, 0));
        assertThat(IANA.byId(7, 32473)).isEmpty();
    }

    @Test
    void anElementOfTheSameIdentityReplacesTheOldOneUnderBothKeys() {
        InformationElement renamed =
                new InformationElement(1, 0, "bytes", AbstractDataType.UNSIGNED64);

        ElementRegistry changed = IANA.with(List.of(renamed));

        assertThat(changed.byId(1, 0)).contains(renamed);
        assertThat(changed.byName("bytes")).contains(renamed);
        assertThat(changed.byName("octetDeltaCount")).isEmpty();
    }

    @Test
    void refusesIdentifiersThatDoNotFitOnTheWire() {
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () -> new InformationElement(0x8000, 0, "x", AbstractDataType.UNSIGNED8))
                .withMessageContaining("32768");
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () -> new InformationElement(1, 1L << 32, "x", AbstractDataType.UNSIGNED8));
    }
}
