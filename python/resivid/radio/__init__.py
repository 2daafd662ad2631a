# SPDX-License-Identifier: GPL-3.0-or-later
"""Radios: SoapySDR and UHD behind one factory each way, and SigMF recordings in their place."""
